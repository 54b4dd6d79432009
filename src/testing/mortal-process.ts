/**
 * A process that dies: its journal and its clock, as a coordinator inside it sees them. The fault model:
 *
 * - Up to its death a process is like any other. Its death is a point in the order of its appends: just before a record
 *   becomes durable, or just after, before anybody is told. Appends keep all their records or none.
 * - From then on it does nothing: an append neither happens nor settles, no timer fires, no turn comes.
 * - A handler that was running is a request on its way: what it does to the world may still happen.
 */
import type { AppendCondition, Journal, Position } from '../journal/journal.ts';
import type { Clock, TimerHandle } from '../ports/clock.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { TestClock } from './test-clock.ts';
import { WatchedJournal } from './watched-journal.ts';

/** When a simulated process dies; records are counted from 1 over all sagas, in the order of their appends. */
export interface CrashPlan {
  /** Dies as soon as this record is durable: nobody is told, nothing is done about it. Default: does not die. */
  readonly crashAfter?: number | undefined;
  /** Dies before this record is durable: what was to be done about those before it has been begun. Default: does not die. */
  readonly crashBefore?: number | undefined;
}

/** The records of one append, by their numbers, and what they are. */
export interface NumberedAppend {
  readonly first: number;
  readonly last: number;
  readonly sagaId: string;
  readonly records: readonly SagaRecord[];
}

/** Nothing a dead process waits for ever comes. */
const never: Promise<never> = new Promise(() => undefined);

/** One process of a test, from its start to its death. */
export class MortalProcess {
  /** Resolves when it dies. */
  readonly death: Promise<void>;
  /** What it has made durable, an append each. */
  readonly appends: NumberedAppend[] = [];
  readonly clock: Clock;
  alive = true;
  private readonly plan: CrashPlan;
  private readonly timers = new Set<TimerHandle>();
  private readonly testClock: TestClock;
  private readonly onDeath: () => void;
  private readonly died = Promise.withResolvers<void>();
  private records = 0;

  constructor(testClock: TestClock, plan: CrashPlan, onDeath: () => void) {
    this.testClock = testClock;
    this.plan = plan;
    this.onDeath = onDeath;
    this.death = this.died.promise;
    this.clock = this.mortalClock();
  }

  /** Kills it; safe to do twice. */
  die(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const timer of this.timers) this.testClock.clearTimer(timer);
    this.timers.clear();
    this.onDeath();
    this.died.resolve();
  }

  /** The journal as this process has it. */
  journal(inner: Journal): Journal {
    return new MortalJournal(inner, (sagaId, records, append) => this.append(sagaId, records, append));
  }

  private async append(
    sagaId: string,
    records: readonly SagaRecord[],
    append: () => Promise<Position>,
  ): Promise<Position> {
    if (!this.alive) return never;
    const first = this.records + 1;
    const last = this.records + records.length;
    if (within(this.plan.crashBefore, first, last)) this.die();
    if (!this.alive) return never;
    this.records = last;
    const position = await this.outcome(this.testClock.holdWhile(append()));
    this.appends.push({ first, last, sagaId, records });
    if (within(this.plan.crashAfter, first, last)) this.die();
    return this.alive ? position : never;
  }

  /** What became of an append; a refusal that comes after death is not heard. */
  private async outcome(written: Promise<Position>): Promise<Position> {
    try {
      return await written;
    } catch (error) {
      if (!this.alive) return never;
      throw error;
    }
  }

  private mortalClock(): Clock {
    const { testClock, timers } = this;
    return {
      now: () => testClock.now(),
      monotonicMs: () => testClock.monotonicMs(),
      setTimer: (delayMs, callback) => {
        if (!this.alive) return undefined;
        const timer = testClock.setTimer(delayMs, () => {
          timers.delete(timer);
          callback();
        });
        timers.add(timer);
        return timer;
      },
      clearTimer: (timer) => {
        timers.delete(timer);
        testClock.clearTimer(timer);
      },
      soon: (callback) => testClock.soon(() => (this.alive ? callback() : undefined)),
    };
  }
}

function within(record: number | undefined, first: number, last: number): boolean {
  return record !== undefined && record >= first && record <= last;
}

class MortalJournal extends WatchedJournal {
  private readonly write: (
    sagaId: string,
    records: readonly SagaRecord[],
    append: () => Promise<Position>,
  ) => Promise<Position>;

  constructor(inner: Journal, write: MortalJournal['write']) {
    super(inner);
    this.write = write;
  }

  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    return this.write(sagaId, records, () => this.inner.append(sagaId, records, condition));
  }
}
