import { AppendConflictError, type Journal, type SagaFilter, type SagaPage } from '../journal/journal.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom, uniqueId } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import { type JsonValue, sameJson } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { Saga } from '../saga/saga.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import { type SagaView, viewOf } from '../saga/view.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { SagaEvent } from './events.ts';
import { Registry } from './registry.ts';
import { SagaConflictError, TempoClosedError } from './saga-errors.ts';
import { handleOfEnded, handleOfRun, type SagaHandle } from './saga-handle.ts';
import { checkHeaders, checkInput, inputOf } from './saga-input.ts';
import { type RunHost, SagaRun } from './saga-run.ts';
import { Slots } from './slots.ts';
import { steadyClock } from './steady-clock.ts';

/** Options of {@link openTempo}. */
export interface TempoOptions {
  /** Where sagas are kept; Tempo closes it when it is closed. */
  readonly journal: Journal;
  /** The definitions it can drive. */
  readonly sagas: readonly SagaDefinition[];
  /** How many sagas work at the same time; those that wait for a timer do not count. Default 1,000. */
  readonly concurrency?: number;
  /** Told of every record and of the coordinator's own fate. */
  readonly observer?: Observer<SagaEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Draws jitter; what it drew is kept in the log. Default {@link systemRandom}. */
  readonly random?: Random;
}

/** The defaults of {@link openTempo}. */
export const tempoDefaults: { readonly concurrency: number } = Object.freeze({ concurrency: 1000 });

/** What a saga is started with. */
export interface StartOptions<Input> {
  /** Its id and idempotency key: 1 to 200 of `A-Z a-z 0-9 _ . ~ : @ -`. Default: a new random one. */
  readonly id?: string;
  readonly input: Input;
  /** Passed to every handler. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it may go forward; the shorter of this and the definition's counts. Default: the definition's. */
  readonly deadline?: Duration;
}

/** A coordinator that is open: accepts sagas and drives them to an end. Made by {@link openTempo}. */
export interface Tempo {
  /**
   * Accepts a saga; durable when it resolves. The same id with the same request gives the saga that exists.
   *
   * @throws {SagaConflictError} when the id is taken by another request.
   * @throws {SagaInputError} when the schema refuses the input.
   * @throws {TempoClosedError} while draining and after close.
   */
  start<Input, Output>(saga: Saga<Input, Output>, options: StartOptions<Input>): Promise<SagaHandle<Output>>;
  /** A saga as the log has it now; `undefined` when there is none. */
  get(id: string): Promise<SagaView | undefined>;
  /** Sagas, newest first, in pages. */
  list(filter?: SagaFilter): Promise<SagaPage>;
  /** Every record of a saga in order; empty when there is none. */
  history(id: string): Promise<readonly SagaRecord[]>;
  /** Takes no more work; resolves when every attempt in flight has its outcome on record. What is unfinished is parked. */
  drain(): Promise<void>;
  /** Drains, then closes the journal. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const sagasTakenUpATurn = 256;

class Coordinator implements Tempo, RunHost {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaEvent> | undefined;
  draining = false;
  private readonly registry: Registry;
  private readonly slots: Slots<SagaRun>;
  private readonly runs = new Map<string, SagaRun>();
  /** Unfinished sagas whose definition is not registered here; they wait for a coordinator that has it. */
  private readonly blocked = new Map<string, SagaState>();
  private readonly working = new Set<SagaRun>();
  private drained: PromiseWithResolvers<void> | undefined;
  private closing: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(options: TempoOptions) {
    const concurrency = options.concurrency ?? tempoDefaults.concurrency;
    if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
      throw new RangeError(`Expected concurrency to be an integer ≥ 1, got ${concurrency}`);
    }
    this.journal = options.journal;
    this.clock = steadyClock(options.clock ?? systemClock);
    this.random = options.random ?? systemRandom;
    this.observer = options.observer;
    this.registry = new Registry(options.sagas);
    this.slots = new Slots(concurrency, (run) => run.granted());
  }

  async recover(): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    for await (const state of this.journal.open()) {
      const definition = this.registry.definitionOf(state);
      if (definition === undefined) this.blocked.set(state.id, state);
      else this.runs.set(state.id, new SagaRun(this, state.id, definition, state));
    }
    const facts = { sagas: this.runs.size, blocked: this.blocked.size, epoch: this.journal.epoch };
    notify(this.observer, { type: 'tempo.recovered', ...facts, elapsedMs: this.clock.monotonicMs() - startedMs });
    // Only now does anything move: a journal is read to its end before it is written to.
    void this.goOn([...this.runs.values()]);
  }

  /** Takes recovered sagas up, some a turn, so that a hundred thousand do not all work, and wait for the disk, at once. */
  private async goOn(runs: readonly SagaRun[]): Promise<void> {
    for (const [place, run] of runs.entries()) {
      if (this.draining || this.failure !== undefined) return;
      run.send({ type: 'recover' });
      if (place % sagasTakenUpATurn === sagasTakenUpATurn - 1) await new Promise<void>((next) => this.clock.soon(next));
    }
  }

  async start<Input, Output>(saga: Saga<Input, Output>, options: StartOptions<Input>): Promise<SagaHandle<Output>> {
    this.registry.check(saga);
    const id = options.id === undefined ? uniqueId() : checkName(options.id, 'saga id');
    const deadlineMs = options.deadline === undefined ? undefined : toMs(options.deadline, 'deadline');
    const headers = options.headers === undefined ? undefined : checkHeaders(options.headers);
    const input = saga.inputSchema === undefined ? inputOf(saga, options.input) : await checkInput(saga, options.input);
    const rival = this.runs.get(id);
    if (rival !== undefined) return this.join<Output>(rival, saga, input);
    this.refuseWhenClosed(`saga "${id}" was not started`);
    const run = new SagaRun(this, id, saga);
    this.runs.set(id, run);
    try {
      await run.start({ type: 'start', input, headers, deadlineMs });
    } catch (error) {
      this.runs.delete(id);
      // The journal decides whether an id is new: it refuses a first record where one stands already.
      if (error instanceof AppendConflictError) return this.findEnded<Output>(id, saga, input);
      throw error;
    }
    return handleOfRun(run, true);
  }

  /** The handle of a saga that is being driven, when this is the request it was started with. */
  private async join<Output>(run: SagaRun, saga: SagaDefinition, input: JsonValue): Promise<SagaHandle<Output>> {
    await run.whenAccepted;
    if (run.state !== undefined) refuseOtherRequest(run.state, saga, input);
    return handleOfRun(run, false);
  }

  /** The handle of a saga that the journal has and nobody drives, when this is the request it was started with. */
  private async findEnded<Output>(id: string, saga: SagaDefinition, input: JsonValue): Promise<SagaHandle<Output>> {
    const records = await this.journal.read(id);
    const state = foldRecords(id, records);
    if (state !== undefined) refuseOtherRequest(state, saga, input);
    return handleOfEnded(id, records);
  }

  async get(id: string): Promise<SagaView | undefined> {
    const blocked = this.blocked.get(id);
    if (blocked !== undefined) return { ...viewOf(blocked), status: 'blocked' };
    const state = this.runs.get(id)?.state ?? (await this.journal.state(id));
    return state === undefined ? undefined : viewOf(state);
  }

  list(filter?: SagaFilter): Promise<SagaPage> {
    return this.journal.list(filter);
  }

  history(id: string): Promise<readonly SagaRecord[]> {
    return this.journal.read(id);
  }

  drain(): Promise<void> {
    this.draining = true;
    this.drained ??= Promise.withResolvers();
    if (this.working.size === 0) this.drained.resolve();
    return this.drained.promise;
  }

  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async closeOnce(): Promise<void> {
    await this.drain();
    for (const run of this.runs.values()) run.break(new TempoClosedError(`saga "${run.id}" has not ended`));
    this.runs.clear();
    await this.journal.close();
  }

  private refuseWhenClosed(what: string): void {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.draining) throw new TempoClosedError(what);
  }

  takeSlot(run: SagaRun): boolean {
    return this.slots.take(run);
  }

  releaseSlot(): void {
    this.slots.release();
  }

  busy(run: SagaRun): void {
    this.working.add(run);
  }

  idle(run: SagaRun): void {
    this.working.delete(run);
    if (run.state !== undefined && isTerminal(run.state.status)) this.runs.delete(run.id);
    if (this.working.size === 0) this.drained?.resolve();
  }

  broken(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    notify(this.observer, { type: 'tempo.failed', error });
    for (const run of this.runs.values()) run.break(error);
  }
}

function refuseOtherRequest(state: SagaState, saga: SagaDefinition, input: JsonValue): void {
  if (state.name !== saga.name) throw new SagaConflictError(state.id, `name, "${state.name}"`);
  if (state.version !== saga.version) throw new SagaConflictError(state.id, `version, "${state.version}"`);
  if (state.definition !== saga.hash) throw new SagaConflictError(state.id, 'structure under the same version');
  if (!sameJson(state.input, input)) throw new SagaConflictError(state.id, 'input');
}

/**
 * Opens a coordinator on a journal and takes up every unfinished saga where its records end: confirmed steps are not run
 * again, waits that were running go on, attempts that were in flight are made again under the next number.
 *
 * @param options.journal where sagas are kept, such as `await openWalJournal('./makegood-data')`.
 * @param options.sagas the definitions it can drive; an unfinished saga of another definition waits, untouched.
 * @throws {RangeError | TypeError} for options out of range, or two definitions with one name and version.
 * @example
 * const greet = saga('greet').input<string>().step('greet', { run: ({ input }) => `Hello ${input}`, readOnly: true })
 *   .output(({ results }) => results.greet);
 * await using tempo = await openTempo({ journal: memoryJournal(), sagas: [greet] });
 * const run = await tempo.start(greet, { id: 'greet-1', input: 'Ada' });
 * await run.result() // => 'Hello Ada'
 */
export async function openTempo(options: TempoOptions): Promise<Tempo> {
  const coordinator = new Coordinator(options);
  await coordinator.recover();
  return coordinator;
}
