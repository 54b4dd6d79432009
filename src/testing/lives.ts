import { openWalJournal } from '../journal/wal-journal.ts';
import { seededRandom, type SeededRandom } from '../ports/random.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import { openTempo } from '../tempo/open-tempo.ts';
import type { Tempo, TempoOptions } from '../tempo/tempo.ts';
import { type MemoryFiles, memoryFiles } from './memory-files.ts';
import { type CrashPlan, MortalProcess, type NumberedAppend } from './mortal-process.ts';
import { type TestClock, testClock } from './test-clock.ts';

/** Options of {@link testTempo}: those of a coordinator (`crashLimit` is `Infinity` unless given), and how its process dies. */
export interface TestTempoOptions extends Omit<TempoOptions, 'journal' | 'clock' | 'random'>, CrashPlan {
  /** The clock, when others share it: a scripted participant, a handler that waits. Default a new {@link testClock}. */
  readonly clock?: TestClock;
  /** What chance draws, jitter and ids too; the same seed repeats a test to the bit. Default 1. */
  readonly seed?: number;
}

/** What a new process is started with. */
export interface RestartOptions extends CrashPlan {
  /** The definitions that it has, as after a deploy. Default those of the process before. */
  readonly sagas?: readonly SagaDefinition[];
}

interface Life {
  readonly process: MortalProcess;
  readonly tempo: Tempo;
}

// Bounds what one record of a test may hold, inputs and outputs included; opening writes so many zeros.
const segmentBytes = 256 * 1024;

const lostCall: unique symbol = Symbol('the process died during the call');

/** The processes of one test, one after the other, on one disk. */
export class Lives {
  readonly clock: TestClock;
  readonly random: SeededRandom;
  /** What each process has made durable. */
  readonly appends: (readonly NumberedAppend[])[] = [];
  private readonly files: MemoryFiles;
  private readonly options: TestTempoOptions;
  private current: Promise<Life>;
  private process: MortalProcess | undefined;
  /** How the processes to come die, the next one first. */
  private readonly plans: RestartOptions[];
  private closed = false;
  /** The coordinator that was opened last. */
  private latest: Tempo | undefined;

  constructor(options: TestTempoOptions, plans: readonly CrashPlan[] = [options]) {
    this.plans = [...plans];
    this.options = options;
    this.clock = options.clock ?? testClock();
    this.random = seededRandom(options.seed ?? 1);
    this.files = memoryFiles({ random: this.random.split('disk') });
    this.current = this.begin(this.plans.shift() ?? {});
  }

  /** The coordinator of the process that runs now, once it has recovered. */
  async tempo(): Promise<Tempo> {
    return (await this.current).tempo;
  }

  /** The coordinator that was opened last, for what is answered at once. */
  get opened(): Tempo {
    if (this.latest === undefined) throw new TypeError('Expected a coordinator to have been opened first');
    return this.latest;
  }

  /** Makes a call, again on each next process when the one it was made on has died. */
  async outlive<Value>(call: (tempo: Tempo) => Value | Promise<Value>): Promise<Value> {
    for (;;) {
      const { tempo, process } = await this.current;
      const lost = process.death.then((): typeof lostCall => lostCall);
      const outcome = await Promise.race([lost, process.alive ? call(tempo) : lost]);
      if (outcome !== lostCall) return outcome;
    }
  }

  /** Kills the process that runs; resolves when the next one has recovered. */
  async restart(options: RestartOptions): Promise<void> {
    const { process } = await this.current;
    this.plans.unshift(options);
    process.die();
    await this.current;
  }

  /** Kills the process that runs; no other follows. */
  end(): void {
    this.closed = true;
    this.process?.die();
  }

  private async begin({ sagas = this.options.sagas, crashAfter, crashBefore }: RestartOptions): Promise<Life> {
    const process = new MortalProcess(this.clock, { crashAfter, crashBefore }, () => this.afterDeath(sagas));
    this.process = process;
    this.appends.push(process.appends);
    const tempo = await this.clock.holdWhile(this.open(process, sagas));
    this.latest = tempo;
    return { process, tempo };
  }

  private async open(process: MortalProcess, sagas: readonly SagaDefinition[]): Promise<Tempo> {
    const { clock } = process;
    const random = this.random.split(`process ${this.appends.length}`);
    // The log's own timers would be seen among the sagas'; it only tidies up with them, and its disk dies by itself.
    const journal = await openWalJournal('journal', { files: this.files, clock: testClock(), random, segmentBytes });
    // It is the test that kills the process, and no handler: nobody is to be asked about that.
    return openTempo({
      crashLimit: Infinity,
      ...this.options,
      sagas,
      journal: process.journal(journal),
      clock,
      random,
    });
  }

  private afterDeath(sagas: readonly SagaDefinition[]): void {
    this.files.crash();
    if (this.closed) return;
    this.current = this.begin({ sagas, ...this.plans.shift() });
  }
}
