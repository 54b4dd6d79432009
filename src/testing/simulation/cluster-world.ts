/**
 * Several coordinators that share one store: the real fleet, journal client and lease of each, over a modelled server. The
 * judge hears from the store itself, in the turn in which something is written, and so knows more than any node.
 */
import { decodeRecord } from '../../journal/record-codec.ts';
import type { SharedJournal } from '../../journal/shared-journal.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Random, seededRandom, type SeededRandom } from '../../ports/random.ts';
import type { ActionContext } from '../../saga/definition.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import { openTempo } from '../../tempo/open-tempo.ts';
import { buildSagas } from './build-saga.ts';
import type { ClusterSwarm, NodeSettings } from './cluster-swarm.ts';
import { ControlHistory } from './control-history.ts';
import { Faults, type Struck } from './faults.ts';
import { Judge } from './judge.ts';
import { Kernel } from './kernel.ts';
import { type ModelledPool, ModelledServer } from './modelled-server.ts';
import { ModelledStore, type SagaRow, type StoredRecord } from './modelled-store.ts';
import { Network } from './network.ts';
import { OutsideWorld } from './outside-world.ts';
import { Participants } from './participants.ts';
import type { Life, PeopledWorld } from './peopled-world.ts';
import { drawShapes, type SagaShape } from './shape.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { withBarriers } from './swarm.ts';
import { Violation } from './violation.ts';

/** What a node opens its journal with. */
export interface NodeJournalOptions extends NodeSettings {
  readonly pool: ModelledPool;
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string | undefined;
}

/** Opens the journal of a node: the real one, over connections that are modelled. */
export type OpenNodeJournal = (options: NodeJournalOptions) => Promise<SharedJournal>;

/** One place where a node runs, one process after another. */
export interface NodePlace {
  readonly number: number;
  process: SimulatedProcess | undefined;
  /** The coordinator that runs there now and has joined. */
  life: Life | undefined;
}

const serverEpochMs = 1_700_000_000_000;

/** Everything that is in one world of several coordinators. */
export class ClusterWorld implements PeopledWorld {
  readonly random: SeededRandom;
  readonly kernel: Kernel;
  readonly faults: Faults;
  readonly shapes: readonly SagaShape[];
  readonly judge: Judge;
  readonly history: ControlHistory = new ControlHistory(true);
  readonly swarm: ClusterSwarm;
  readonly participants: Participants;
  readonly store: ModelledStore;
  readonly server: ModelledServer;
  readonly places: readonly NodePlace[];
  private readonly network: Network;
  private readonly openJournal: OpenNodeJournal;
  private readonly choice: SeededRandom;
  /** The latest epoch under which each shard was opened. */
  private readonly opened = new Map<number, number>();
  private processes = 0;

  constructor(seed: number, swarm: ClusterSwarm, openJournal: OpenNodeJournal, chosen: readonly Struck[] | undefined) {
    this.swarm = swarm;
    this.openJournal = openJournal;
    this.random = seededRandom(seed);
    this.choice = this.random.split('nodes');
    this.kernel = new Kernel(this.random);
    this.faults = new Faults(this.random, swarm.rates, chosen);
    const outside = new OutsideWorld();
    this.participants = new Participants(this.kernel, this.faults, outside, seed);
    // Who asks again is another node with another clock: only barriers keep what comes late from doing harm.
    this.shapes = drawShapes(this.random.split('shapes')).map((shape) => withBarriers(shape));
    const nowhere = { call: () => undefined, isWanted: () => true };
    this.judge = new Judge(this.kernel, outside, this.shapes, buildSagas(this.shapes, nowhere));
    this.network = new Network(this.kernel, this.faults, this.participants, this.random, (request, process) =>
      this.guarded(() => this.judge.sending(request, process)),
    );
    this.store = new ModelledStore(
      swarm.shards,
      () => serverEpochMs + this.kernel.now,
      (saga, records, epoch) => this.guarded(() => this.written(saga, records, epoch)),
    );
    this.server = new ModelledServer(this.store, this.kernel, this.faults, this.random);
    this.places = Array.from({ length: swarm.nodes }, (_, number) => ({ number, process: undefined, life: undefined }));
  }

  /** Any of the nodes that run: whoever asks does not know which of them drives what. */
  get life(): Life | undefined {
    const lives = this.places.flatMap(({ life }) => life ?? []);
    return lives[Math.floor(this.choice() * lives.length)];
  }

  isOpen(life: Life): boolean {
    return this.places.some((place) => place.life === life);
  }

  private guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.kernel.fail(error);
    }
  }

  /** Something is durable now, whoever wrote it and whether or not he hears of it. */
  private written({ id, shard }: SagaRow, records: readonly StoredRecord[], epoch: number): void {
    const current = this.store.shards[shard]?.epoch ?? 0;
    if (epoch !== 0 && epoch !== current)
      throw new Violation('I7 one writer at a time', `written under epoch ${epoch}, and it is ${current}`, id);
    const decoded = records.map(({ seq, kind, at, step, body }) => {
      const entry = { lsn: seq, kind, state: 0, timestamp: at, txId: id, stepId: step, payload: body };
      return decodeRecord(entry).record;
    });
    this.judge.durable(this.judge.issued(id, decoded));
  }

  /** A call is about to leave a node: its lease must be running, by the store's clock. */
  private mayCall({ sagaId, step, epoch }: ActionContext, shard: number): void {
    if (this.store.isHeld(shard, epoch)) return;
    const held = this.store.shards[shard];
    const what = `"${step}" is called under epoch ${epoch} of shard ${shard}, which has epoch ${held?.epoch}`;
    throw new Violation('I7b no call without a lease', what, sagaId);
  }

  /** Starts a node at a place. */
  boot(place: NodePlace): void {
    const process = new SimulatedProcess(this.kernel, ++this.processes, this.swarm.clockFault(this.processes));
    place.process = process;
    this.kernel.tell(undefined, 'machine', 'coordinator', `node ${place.number} starts`);
    this.open(place, process).catch((error: unknown) => this.failedToOpen(place, process, error));
  }

  private async open(place: NodePlace, process: SimulatedProcess): Promise<void> {
    const { clock } = process;
    const { swarm } = this;
    const random = this.random.split(`process ${process.number}`);
    const name = swarm.keepsNames ? `node ${place.number}` : `process ${process.number}`;
    const pool = this.server.poolFor(process);
    const journal = await this.openJournal({ ...swarm.settings, pool, clock, random, name });
    const sagas = buildSagas(this.shapes, {
      call: (shape, phase, context) => {
        if (process.alive) this.guarded(() => this.mayCall(context, journal.shardOf(context.sagaId)));
        return this.network.call(process, shape, phase, context);
      },
      isWanted: (shape, sagaId) => this.participants.isWanted(shape, sagaId),
    });
    const observer = (event: SagaEvent): void => this.observe(process, event);
    const options = { ...swarm.options.tempo, journal, sagas: [...sagas.values()], observer, clock, random };
    const tempo = await openTempo(options);
    if (process.alive) place.life = { process, tempo, sagas, since: this.kernel.now };
  }

  private observe(process: SimulatedProcess, event: SagaEvent): void {
    if (!process.alive) return;
    if (event.type === 'saga.record') this.guarded(() => this.judge.seen(event.sagaId, event.record.seq));
    if (event.type !== 'tempo.shard-opened') return;
    const { shard, epoch } = event;
    this.judge.counts.recoveries++;
    const last = this.opened.get(shard) ?? 0;
    // A node may say so late, when another has opened it since.
    if (epoch === last)
      this.guarded(() => {
        throw new Violation('I7 one writer at a time', `shard ${shard} is opened twice under epoch ${epoch}`);
      });
    this.opened.set(shard, Math.max(last, epoch));
  }

  private failedToOpen(place: NodePlace, process: SimulatedProcess, error: unknown): void {
    if (!process.alive) return;
    const { code } = error as { readonly code?: unknown };
    if (code !== 'ECONNRESET' && code !== 'MAKEGOOD_POSTGRES_SILENT' && code !== 'MAKEGOOD_SHARD_LOST')
      return this.kernel.fail(error);
    this.kill(place, 1000);
  }

  /** A node dies; another process is started at its place after a while. */
  kill(place: NodePlace, downMs: number): void {
    const { process } = place;
    if (process === undefined || !process.alive) return;
    process.die();
    place.life = undefined;
    this.kernel.tell(undefined, 'machine', 'coordinator', `node ${place.number} dies`);
    this.kernel.after(downMs, 'boot', () => this.boot(place));
  }

  /** A node gives back what it has, and its place another process. */
  async replace(place: NodePlace, downMs: number): Promise<void> {
    const { life } = place;
    if (life === undefined) return;
    place.life = undefined;
    await life.tempo.close();
    const { process } = life;
    if (!process.alive || place.process !== process) return;
    process.die();
    if (process.timers > 0)
      this.guarded(() => {
        throw new Violation('I18 nothing is left open', `a node that was closed leaves ${process.timers} timers`);
      });
    this.kernel.after(downMs, 'boot', () => this.boot(place));
  }

  /** Who owns each shard: every one is owned, by a node that lives. */
  checkOwners(): void {
    for (const { id, epoch, owner } of this.store.shards)
      if (!this.store.isHeld(id, epoch))
        throw new Violation('L2 a coordinator runs', `shard ${id} is owned by nobody who lives (${owner})`);
  }
}
