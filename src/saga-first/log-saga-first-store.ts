/**
 * Saga-first steps on a log that many processes share. Every process reads the whole log and folds it; a record counts if it
 * is the first of its number, so all agree, and a writer knows whether it has won when it has read its own record back.
 *
 * A record's key is `step number token`, its own for each write. Keyed by the step, a compacted topic would keep the last of
 * two records of one number, which is the one that has lost.
 */
import { MakegoodError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { cryptoRandom, uniqueId } from '../ports/random.ts';
import { freezeJson } from '../saga/json-value.ts';
import type {
  CompensationRegistration,
  SagaFirstDraft,
  SagaFirstRecord,
} from '../saga/saga-first/saga-first-record.ts';
import { applySagaFirst, isClosed, mayFollow, type SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import { sleepMs } from '../time/sleep.ts';
import {
  limitOf,
  refuseOtherRegistration,
  type SagaFirstFilter,
  type SagaFirstPage,
  type SagaFirstSnapshot,
  type SagaFirstStore,
  SagaFirstStoreClosedError,
  type SagaFirstWrite,
} from './saga-first-store.ts';
import type { SharedLog, SharedLogEntry } from './shared-log.ts';

/** A record was sent and not read back in time: it may be in the log, and then it counts. */
export class SagaFirstUnconfirmedError extends MakegoodError {
  readonly id: string;

  constructor(id: string, waitedMs: number, options?: ErrorOptions) {
    super(
      'MAKEGOOD_SAGA_FIRST_UNCONFIRMED',
      `a record of "${id}" was not read back within ${waitedMs} ms; it may hold all the same, read the step again`,
      options,
    );
    this.id = id;
  }
}

/** What a store on a shared log is made of. */
export interface LogStoreParts {
  readonly log: SharedLog;
  readonly clock: Clock;
  /** How long a write may take until it is read back. */
  readonly timeoutMs: number;
  /** How long closed steps are remembered. */
  readonly retentionMs: number;
}

interface Step {
  readonly state: SagaFirstState;
  /** Its records in the log, for the day they are forgotten. */
  readonly keys: string[];
}

type Waiter = (won: boolean) => void;

// The log tells its time with each record; often enough that a quiet one is not far behind.
const tickEveryMs = 10_000;
const tickKey = 'tick';

class LogSagaFirstStore implements SagaFirstStore {
  private readonly parts: LogStoreParts;
  private readonly steps = new Map<string, Step>();
  private readonly waiters = new Map<string, Waiter>();
  /** The log's time, and what our clock showed when we were told. */
  private time = { at: 0, seenMs: 0 };
  private readonly stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private ticking: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(parts: LogStoreParts) {
    this.parts = parts;
  }

  /** Reads the log up to where it is now. */
  async start(): Promise<this> {
    await this.parts.log.follow(this.onEntry, this.onFault);
    await this.tick();
    this.ticking = this.keepTicking();
    return this;
  }

  async register(id: string, registration: CompensationRegistration): Promise<SagaFirstWrite> {
    this.guard();
    const standing = this.stateOf(id);
    const write: SagaFirstWrite =
      standing === undefined
        ? await this.write(id, { type: 'registered', ...registration }, 1)
        : { won: false, state: standing, now: this.now() };
    if (!write.won) refuseOtherRegistration(write.state, registration);
    return write;
  }

  async append(id: string, draft: SagaFirstDraft, expectedSeq: number): Promise<SagaFirstWrite> {
    this.guard();
    const state = this.stateOf(id);
    if (state === undefined) throw new TypeError(`Expected "${id}" to be registered, got no such step`);
    if (state.seq !== expectedSeq || !mayFollow(state, draft.type)) return { won: false, state, now: this.now() };
    return this.write(id, draft, expectedSeq + 1);
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async read(id: string): Promise<SagaFirstSnapshot | undefined> {
    this.guard();
    const state = this.stateOf(id);
    return state === undefined ? undefined : { state, now: this.now() };
  }

  // oxlint-disable-next-line typescript/require-await -- as above
  async list(filter: SagaFirstFilter): Promise<SagaFirstPage> {
    this.guard();
    const { statuses, after = '' } = filter;
    const now = this.now();
    const states = [...this.steps.values()].map(({ state }) => state).filter((state) => !this.isForgotten(state, now));
    const found = states.filter(({ id, status }) => id > after && statuses.includes(status));
    const ordered = found.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    return { items: ordered.slice(0, limitOf(filter)), now };
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      this.stopping.abort();
      await this.ticking;
      await this.following;
      await this.parts.log.close();
    })();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private stateOf(id: string): SagaFirstState | undefined {
    const state = this.steps.get(id)?.state;
    return this.isForgotten(state, this.now()) ? undefined : state;
  }

  /** Never ahead of the log's clock: a time-out that is judged by it may come late, and not early. */
  private now(): number {
    return Math.floor(this.time.at + this.parts.clock.monotonicMs() - this.time.seenMs);
  }

  private async write(id: string, draft: SagaFirstDraft, seq: number): Promise<SagaFirstWrite> {
    const won = await this.readBack(
      id,
      this.laneOf(id),
      `${id} ${seq} ${uniqueId(cryptoRandom)}`,
      JSON.stringify(draft),
    );
    const step = this.steps.get(id);
    if (step === undefined) throw new SagaFirstUnconfirmedError(id, this.parts.timeoutMs);
    return { won, state: step.state, now: this.now() };
  }

  /** Appends a record and waits until it comes round: only then is it known what stands before it. */
  private async readBack(id: string, lane: number, key: string, value: string): Promise<boolean> {
    const { log, clock, timeoutMs } = this.parts;
    const waiting = new AbortController();
    const back = new Promise<boolean>((resolve) => void this.waiters.set(key, resolve));
    const late = sleepMs(timeoutMs, clock, AbortSignal.any([waiting.signal, this.stopping.signal])).then(
      () => undefined,
      () => undefined,
    );
    try {
      await log.append(lane, key, value);
      const won = await Promise.race([back, late]);
      if (won === undefined) throw new SagaFirstUnconfirmedError(id, timeoutMs);
      return won;
    } catch (error) {
      if (error instanceof SagaFirstUnconfirmedError) throw error;
      throw new SagaFirstUnconfirmedError(id, timeoutMs, { cause: error });
    } finally {
      waiting.abort();
      this.waiters.delete(key);
    }
  }

  private readonly onEntry = ({ key, value, at }: SharedLogEntry): void => {
    // Lanes are read beside each other; time does not go back for one that is behind.
    if (at >= this.time.at) this.time = { at, seenMs: this.parts.clock.monotonicMs() };
    const won = key.startsWith(`${tickKey} `) || this.apply(key, value, at);
    this.waiters.get(key)?.(won);
  };

  /** @returns whether the record holds; one that cannot be read, or comes second, does not. */
  private apply(key: string, value: string, at: number): boolean {
    const [id = '', number = ''] = key.split(' ');
    const seq = Number(number);
    const step = this.steps.get(id);
    if (step?.keys.includes(key) === true) return true;
    const draft = parsed(value);
    // A step that is no longer remembered may be begun anew, though its records are still in the log.
    const before = this.isForgotten(step?.state, at) && seq === 1 ? undefined : step?.state;
    if (draft === undefined || seq !== (before?.seq ?? 0) + 1 || !mayFollow(before, draft.type)) {
      // It is in the log all the same, and goes when the step goes.
      step?.keys.push(key);
      return false;
    }
    const record: SagaFirstRecord = { ...draft, seq, at };
    this.steps.set(id, { state: applySagaFirst(id, before, record), keys: [...(step?.keys ?? []), key] });
    return true;
  }

  private isForgotten(state: SagaFirstState | undefined, at: number): boolean {
    return state !== undefined && isClosed(state.status) && at - state.changedAt >= this.parts.retentionMs;
  }

  private readonly onFault = (): void => {
    if (this.stopping.signal.aborted) return;
    this.following = this.followAgain();
  };

  private async followAgain(): Promise<void> {
    const { log, clock } = this.parts;
    for (let failures = 0; !this.stopping.signal.aborted; failures++) {
      await sleepMs(Math.min(5000, 100 * 2 ** failures), clock, this.stopping.signal).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      const isBack = await log.follow(this.onEntry, this.onFault).then(
        () => true,
        () => false,
      );
      if (isBack) return;
    }
  }

  /** A record in every lane that means nothing: read back, everything before it has been read, and the time is known. */
  private async tick(): Promise<void> {
    const lanes = Array.from({ length: this.parts.log.lanes }, (_, lane) => lane);
    const token = uniqueId(cryptoRandom);
    await Promise.all(lanes.map((lane) => this.readBack(tickKey, lane, `${tickKey} ${lane} ${token}`, '{}')));
    await Promise.all(lanes.map((lane) => this.parts.log.forget(lane, [`${tickKey} ${lane} ${token}`])));
  }

  private async keepTicking(): Promise<void> {
    const { clock } = this.parts;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleepMs(tickEveryMs, clock, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.tick();
        await this.forgetOld();
      } catch {
        // The log is away; whoever writes is told.
      }
    }
  }

  /** Lets go of steps that have been closed for as long as they are remembered. */
  private async forgetOld(): Promise<void> {
    for (const [id, { state, keys }] of this.steps) {
      if (!this.isForgotten(state, this.now())) continue;
      await this.parts.log.forget(this.laneOf(id), keys);
      this.steps.delete(id);
    }
  }

  /** A saga's steps are in one lane, by its id (FNV-1a, which is the same everywhere). */
  private laneOf(id: string): number {
    let hash = 0x811c9dc5;
    for (const char of id.split('/')[0] ?? '') hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return hash % this.parts.log.lanes;
  }

  private guard(): void {
    if (this.closing !== undefined) throw new SagaFirstStoreClosedError();
  }
}

function parsed(value: string): SagaFirstDraft | undefined {
  try {
    return freezeJson(JSON.parse(value) as SagaFirstDraft);
  } catch {
    return undefined;
  }
}

/**
 * Opens a store of saga-first steps on a shared log: for those who write such a log.
 *
 * @internal
 */
export function openLogSagaFirstStore(parts: LogStoreParts): Promise<SagaFirstStore> {
  return new LogSagaFirstStore(parts).start();
}
