/** A whole simulated world: one machine with its disk and processes, participants, clients, and people. */
import { openWalJournal } from '../../journal/wal-journal.ts';
import { seededRandom, type SeededRandom } from '../../ports/random.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import { openTempo } from '../../tempo/open-tempo.ts';
import { buildSagas } from './build-saga.ts';
import { ControlHistory } from './control-history.ts';
import { Faults, type Struck } from './faults.ts';
import { Judge } from './judge.ts';
import { Kernel } from './kernel.ts';
import { Network } from './network.ts';
import { ObservedJournal } from './observed-journal.ts';
import { OutsideWorld } from './outside-world.ts';
import { Participants } from './participants.ts';
import type { Life, PeopledWorld } from './peopled-world.ts';
import { ProcessFiles } from './process-files.ts';
import type { SagaShape } from './shape.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { Swarm } from './swarm.ts';
import { Violation } from './violation.ts';

/** The folder of the journal on the simulated disk. */
export const journalFolder = '/data';

/** Everything that is in one world. */
export class World implements PeopledWorld {
  readonly random: SeededRandom;
  readonly kernel: Kernel;
  readonly faults: Faults;
  readonly disk: SimulatedDisk;
  readonly outside: OutsideWorld = new OutsideWorld();
  readonly participants: Participants;
  readonly network: Network;
  readonly shapes: readonly SagaShape[];
  readonly judge: Judge;
  /** What clients asked and were told. */
  readonly history: ControlHistory = new ControlHistory();
  readonly swarm: Swarm;
  /** The coordinator that runs now and has recovered. */
  life: Life | undefined;
  /** The process that was started last, which may not have recovered yet. */
  process: SimulatedProcess | undefined;
  processes = 0;
  /** Checkpoints that have rotted. */
  rotten = 0;

  /** @param chosen the faults that strike; all that are drawn when it is left out. */
  constructor(seed: number, swarm: Swarm, chosen?: readonly Struck[]) {
    this.swarm = swarm;
    this.random = seededRandom(seed);
    this.kernel = new Kernel(this.random);
    this.faults = new Faults(this.random, swarm.rates, chosen);
    this.disk = new SimulatedDisk(this.random, this.faults);
    this.participants = new Participants(this.kernel, this.faults, this.outside, seed);
    this.shapes = swarm.shapes.map((shape) => swarm.adapt(shape));
    const nowhere = { call: () => undefined, isWanted: () => true };
    this.judge = new Judge(this.kernel, this.outside, this.shapes, buildSagas(this.shapes, nowhere));
    this.network = new Network(this.kernel, this.faults, this.participants, this.random, (request, process) =>
      this.guarded(() => this.judge.sending(request, process)),
    );
  }

  isOpen(life: Life): boolean {
    return this.life === life;
  }

  /** Runs a check whose violation ends the run, wherever in the engine it is made. */
  guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.kernel.fail(error);
    }
  }

  /** Starts a coordinator; a process that cannot open its journal is started again after a while. */
  boot(): void {
    const process = new SimulatedProcess(this.kernel, ++this.processes, this.swarm.clockFault(this.processes));
    this.process = process;
    this.kernel.tell(undefined, 'machine', 'coordinator', `process ${process.number} starts`);
    this.open(process).catch((error: unknown) => this.failedToOpen(process, error));
  }

  private async open(process: SimulatedProcess): Promise<void> {
    const { clock } = process;
    const { options } = this.swarm;
    const random = this.random.split(`process ${process.number}`);
    const observer = (event: SagaEvent): void => this.observe(process, event);
    const journal = await openWalJournal(journalFolder, {
      ...options.journal,
      files: new ProcessFiles(this.disk, process),
      clock,
      random,
    });
    const watched = new ObservedJournal(journal, this.watchFor(process));
    const sagas = buildSagas(this.shapes, {
      call: (shape, phase, context) => this.network.call(process, shape, phase, context),
      isWanted: (shape, sagaId) => this.participants.isWanted(shape, sagaId),
    });
    const tempo = await openTempo({
      ...options.tempo,
      journal: watched,
      sagas: [...sagas.values()],
      observer,
      clock,
      random,
    });
    this.life = { process, tempo, sagas, since: this.kernel.now };
  }

  /** The judge hears of no process that is dead: of one that is, he learns from the log. */
  private watchFor(process: SimulatedProcess): ConstructorParameters<typeof ObservedJournal>[1] {
    const { judge } = this;
    return {
      issued: (sagaId, records) => judge.issued(sagaId, records),
      durable: (issue) => process.alive && this.guarded(() => judge.durable(issue)),
      refused: (issue) => process.alive && judge.refused(issue),
      recovered: async (states, journal) => {
        try {
          await judge.recovered(states, journal);
        } catch (error) {
          // The judge reads from the same disk, which may fail him as it may fail the coordinator.
          if (!(error instanceof Violation)) throw error;
          this.kernel.fail(error);
        }
      },
    };
  }

  private observe(process: SimulatedProcess, event: SagaEvent): void {
    if (!process.alive) return;
    if (event.type === 'saga.record') this.guarded(() => this.judge.seen(event.sagaId, event.record.seq));
    // Nothing more can be promised by this process: whoever looks after it starts another.
    if (event.type === 'tempo.failed') this.kernel.after(10, 'exit', () => this.end(process, { power: false }));
  }

  private failedToOpen(process: SimulatedProcess, error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    const mayFail =
      code === 'MAKEGOOD_WAL_READ_FAILED' || code === 'EIO' || code === 'ENOSPC' || code === 'MAKEGOOD_WAL_FAILED';
    if (mayFail && process.alive) this.end(process, { power: false });
    else
      this.kernel.fail(
        new Violation('I11 the log is a prefix with all that was acknowledged', String(error), undefined, {
          cause: error,
        }),
      );
  }

  /** A process dies, with the power or without; another is started after a while. */
  end(
    process: SimulatedProcess | undefined,
    { power, downMs = 1000 }: { readonly power: boolean; readonly downMs?: number },
  ): void {
    if (process === undefined || !process.alive) return;
    process.die();
    this.kernel.tell(undefined, 'machine', 'coordinator', power ? 'the power fails' : 'the process dies');
    if (this.life?.process === process) this.life = undefined;
    if (power) this.disk.cutPower();
    this.kernel.after(downMs, 'boot', () => this.boot());
  }

  /** Another version of the program takes over, in order. */
  async redeploy(): Promise<void> {
    const { life } = this;
    if (life === undefined) return;
    await this.shutDown(life);
    // It may have been killed while it closed; then it is being started already.
    if (this.process === life.process && life.process.closed) this.kernel.after(500, 'boot', () => this.boot());
  }

  /** No fault from now on. */
  heal(): void {
    this.disk.full = false;
    this.participants.beAway(0);
  }

  /** Lets everything come to its end: a coordinator is there, and every saga that was accepted ends or waits for a person. */
  async settle(ms: number): Promise<void> {
    const from = this.kernel.now;
    for (let left = ms; left > 0; left -= ms / 24) {
      await this.kernel.run(this.kernel.now + ms / 24);
      if (this.judge.unsettled() === undefined) return;
    }
    if (this.life === undefined)
      throw new Violation('L2 a coordinator runs', `none does ${ms} ms after all faults ended`);
    const track = this.judge.unsettled();
    if (track?.state === undefined) return;
    const steps = track.state.steps.map(({ name, status }) => `${name} ${status}`).join(', ');
    const held = `it is ${track.state.status} ${this.kernel.now - from} ms after all faults ended: ${steps}`;
    throw new Violation('L1 every saga ends or waits for a person', held, track.id);
  }

  /** Judges what clients were told, then closes and opens everything once more, and compares. */
  async lookBack(): Promise<void> {
    this.history.judge();
    const { kernel, life } = this;
    if (life === undefined) throw new Violation('L2 a coordinator runs', 'none is there at the end');
    const done = this.redeploy();
    done.catch((error: unknown) => kernel.fail(error));
    await kernel.run(kernel.now + 60_000);
    if (this.life === undefined || this.life === life)
      throw new Violation('L2 a coordinator runs', 'none could be opened again at the end');
  }

  /** Closes the coordinator in order, and looks at what it leaves behind. */
  private async shutDown({ process, tempo }: Life): Promise<void> {
    this.life = undefined;
    await tempo.close();
    process.closed = true;
    process.die();
    if (process.openFiles > 0 || process.timers > 0) {
      const left = `${process.openFiles} files and ${process.timers} timers`;
      this.kernel.fail(new Violation('I18 nothing is left open', `a coordinator that was closed leaves ${left}`));
    }
  }
}
