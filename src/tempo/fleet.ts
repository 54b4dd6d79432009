import { AppendConflictError, type Journal, type PlacedRecord, StaleEpochError } from '../journal/journal.ts';
import { ShardLostError } from '../journal/shard-lost-error.ts';
import type { ShardJournal } from '../journal/shared-journal.ts';
import type { UnreadableSaga } from '../journal/unreadable-saga.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { Random } from '../ports/random.ts';
import type { ChildEffect } from '../saga/command.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import type { AttentionDesk } from './attention.ts';
import { ChildDesk, type ChildHost, type ChildStart } from './children.ts';
import type { SagaEvent } from './events.ts';
import type { PolicyTable } from './policies.ts';
import type { Registry } from './registry.ts';
import { SagaUnreadableError, TempoClosedError } from './saga-errors.ts';
import type { RunHost } from './run-host.ts';
import { SagaRun } from './saga-run.ts';
import type { Slots } from './slots.ts';
import { strandedAmong } from './stranded.ts';
import { strangerOf } from './stranger.ts';

/** What a fleet is made of, resolved and checked. */
export interface FleetParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaEvent> | undefined;
  readonly caller: RemoteCaller | undefined;
  readonly registry: Registry;
  readonly policies: PolicyTable;
  readonly guards: Readonly<Record<string, Policy>>;
  readonly crashLimit: number;
  readonly stranded: 'refuse' | 'block';
  /** Of all fleets together. */
  readonly slots: Slots<SagaRun>;
  readonly attention: AttentionDesk;
  /** Told once when the journal has refused or failed. Default: everybody who listens is told. */
  readonly onBroken?: ((error: unknown) => void) | undefined;
}

/** What was found when a journal was read. */
export interface FoundSagas {
  readonly sagas: number;
  readonly blocked: number;
}

const sagasTakenUpATurn = 256;

/** Unfinished sagas that share a journal and its fate: all of a coordinator's, or those of one shard. */
export class Fleet implements RunHost<SagaRun>, ChildHost {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaEvent> | undefined;
  readonly caller: RemoteCaller | undefined;
  readonly crashLimit: number;
  readonly rulesFor: RunHost<SagaRun>['rulesFor'];
  readonly runs: Map<string, SagaRun> = new Map();
  draining = false;
  private readonly attention: AttentionDesk;
  private readonly parts: FleetParts;
  /** By name, where no name means anything else: a step may be called `constructor`. */
  private readonly guards: ReadonlyMap<string, Policy>;
  private readonly children = new ChildDesk(this);
  private readonly working = new Set<SagaRun>();
  private drained: PromiseWithResolvers<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(parts: FleetParts) {
    this.parts = parts;
    this.journal = parts.journal;
    this.clock = parts.clock;
    this.random = parts.random;
    this.observer = parts.observer;
    this.caller = parts.caller;
    this.crashLimit = parts.crashLimit;
    this.rulesFor = (saga, step, phase) => parts.policies.rulesFor(saga, step, phase);
    this.guards = new Map(Object.entries(parts.guards));
    this.attention = parts.attention;
  }

  /** Whether what is on record may be acted upon: a shard may belong to somebody else by now. */
  get mayAct(): boolean {
    const { mayAct = true } = this.journal as Partial<ShardJournal>;
    return mayAct;
  }

  /** Reads the journal and takes up what is unfinished. */
  async recover(): Promise<FoundSagas> {
    const blocked: SagaRun[] = [];
    for await (const state of this.journal.open()) {
      const run = this.take(state);
      if (run.blocked) blocked.push(run);
    }
    this.refuseStranded(blocked);
    for (const found of this.journal.unreadable) blocked.push(this.park(found));
    return { sagas: this.runs.size - blocked.length, blocked: blocked.length };
  }

  /** Sets in motion what was recovered; only now, since a journal is read to its end before it is written to. */
  proceed(): void {
    for (const run of this.runs.values()) if (run.blocked) this.tellBlocked(run);
    void this.goOn([...this.runs.values()]);
  }

  /** How many sagas go on here, and how many lack their definition. */
  get census(): FoundSagas {
    const blocked = [...this.runs.values()].filter((run) => run.blocked).length;
    return { sagas: this.runs.size - blocked, blocked };
  }

  /** Takes up a saga that another coordinator has started. */
  adopt({ sagaId, record, position }: PlacedRecord): void {
    if (this.runs.has(sagaId) || this.draining || this.failure !== undefined) return;
    const run = this.take(foldRecords(sagaId, [record]) as SagaState);
    run.tellStarted(record, position);
    if (run.blocked) this.tellBlocked(run);
    else this.takeUp(run);
  }

  private take(state: SagaState): SagaRun {
    const definition = this.parts.registry.definitionOf(state);
    const run = new SagaRun(this, state.id, definition ?? strangerOf(state), state);
    run.blocked = definition === undefined && !isTerminal(state.status);
    this.runs.set(state.id, run);
    return run;
  }

  /** Knows of a saga whose records cannot be read, and leaves it alone: whatever is asked of it is refused. */
  private park(found: UnreadableSaga): SagaRun {
    const { state } = found;
    const run = new SagaRun(this, state.id, strangerOf(state), state);
    run.blocked = true;
    run.break(new SagaUnreadableError(state.id, found));
    this.runs.set(state.id, run);
    return run;
  }

  private tellBlocked({ id: sagaId, state, trouble }: SagaRun): void {
    const { name: sagaName = '', version = '' } = state ?? {};
    if (trouble instanceof SagaUnreadableError) {
      const { seq, reason } = trouble;
      return notify(this.observer, { type: 'tempo.unreadable', sagaId, sagaName, seq, reason });
    }
    notify(this.observer, { type: 'tempo.blocked', sagaId, sagaName, version });
  }

  /** Refuses to go on with definitions that lack steps which unfinished sagas were started with. */
  refuseStranded(runs: Iterable<SagaRun>): void {
    if (this.parts.stranded === 'block') return;
    const stranded = strandedAmong(runs, this.parts.registry);
    if (stranded !== undefined) throw stranded;
  }

  /** Takes recovered sagas up, some a turn, so that a hundred thousand do not all work, and wait for the disk, at once. */
  private async goOn(runs: readonly SagaRun[]): Promise<void> {
    for (const [place, run] of runs.entries()) {
      if (this.draining || this.failure !== undefined) return;
      this.attention.note(run);
      if (!run.blocked) this.takeUp(run);
      if (place % sagasTakenUpATurn === sagasTakenUpATurn - 1) await new Promise<void>((next) => this.clock.soon(next));
    }
  }

  private takeUp(run: SagaRun): void {
    run.send({ type: 'recover' });
    if (run.state?.parent !== undefined) {
      this.children.recover(run).catch((error: unknown) => this.broken(error));
    }
  }

  /** Takes up the sagas that waited for a definition which is registered now. */
  unblock(): void {
    for (const run of this.runs.values()) {
      const definition =
        run.blocked && run.trouble === undefined && run.state !== undefined
          ? this.parts.registry.definitionOf(run.state)
          : undefined;
      if (definition !== undefined) run.unblock(definition);
    }
  }

  /** Whether a run is that of a saga: not so when it was to start one that the journal has already. */
  async isAccepted(run: SagaRun): Promise<boolean> {
    try {
      await run.whenAccepted;
      return true;
    } catch (error) {
      if (this.runs.get(run.id) === run) this.runs.delete(run.id);
      if (error instanceof AppendConflictError) return false;
      throw error;
    }
  }

  /** A run for a saga that is to be accepted. */
  add(id: string, definition: SagaDefinition): SagaRun {
    const run = new SagaRun(this, id, definition);
    this.runs.set(id, run);
    return run;
  }

  async accept({ id, definition, command }: ChildStart): Promise<SagaRun> {
    const run = this.add(id, definition);
    try {
      await run.start(command);
    } catch (error) {
      this.runs.delete(id);
      throw error;
    }
    return run;
  }

  runOf(id: string): SagaRun | undefined {
    return this.runs.get(id);
  }

  /**
   * The state of a saga that is driven here, if nobody can have seen a later one. In a shared journal a record may be seen
   * elsewhere before its writer hears that it is durable, and another may drive the saga by now.
   */
  latestOf(id: string): SagaState | undefined {
    const run = this.runs.get(id);
    const isLatest = !('mayAct' in this.journal) || (this.mayAct && run?.writing === false);
    return isLatest ? run?.state : undefined;
  }

  read(id: string): Promise<SagaState | undefined> {
    return this.journal.state(id);
  }

  /** Throws when nothing more can be accepted. */
  refuseWhenClosed(what: string): void {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.draining) throw new TempoClosedError(what);
  }

  /** Takes no more work; resolves when every attempt in flight has its outcome on record. */
  drain(): Promise<void> {
    this.draining = true;
    this.drained ??= Promise.withResolvers();
    if (this.working.size === 0) this.drained.resolve();
    return this.drained.promise;
  }

  /** Lets go of every saga: what is in flight may finish, but nothing of it is noted. */
  letGo(because: (run: SagaRun) => unknown): void {
    this.attention.forget(this.runs.values());
    for (const run of this.runs.values()) run.break(because(run));
    this.runs.clear();
  }

  /** Drains, lets go of every saga, and closes the journal. */
  async close(): Promise<void> {
    await this.drain();
    this.letGo((run) => new TempoClosedError(`saga "${run.id}" has not ended`));
    await this.journal.close();
  }

  warn(sagaId: string, sagaName: string, step: string, attempt: number, warning: string): void {
    notify(this.observer, { type: 'saga.answer-unusable', sagaId, sagaName, step, attempt, warning });
  }

  guardFor(saga: string, step: string): Policy | undefined {
    return this.guards.get(`${saga}/${step}`) ?? this.guards.get(step);
  }

  takeSlot(run: SagaRun): boolean {
    return this.parts.slots.take(run);
  }

  releaseSlot(): void {
    this.parts.slots.release();
  }

  busy(run: SagaRun): void {
    this.working.add(run);
  }

  idle(run: SagaRun): void {
    this.working.delete(run);
    if (run.state?.finished === true) this.runs.delete(run.id);
    if (this.working.size === 0) this.drained?.resolve();
  }

  askChild(run: SagaRun, effect: ChildEffect): void {
    this.children.ask(run, effect);
  }

  moved(run: SagaRun): void {
    this.attention.note(run);
    if (run.state?.parent !== undefined) this.children.moved(run);
  }

  broken(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.attention.forget(this.runs.values());
    this.attention.lose(error);
    if (this.parts.onBroken === undefined || !isLoss(error)) notify(this.observer, { type: 'tempo.failed', error });
    for (const run of this.runs.values()) run.break(error);
    this.parts.onBroken?.(error);
  }
}

/** Whether an error says no more than that others own the sagas now. */
export function isLoss(error: unknown): boolean {
  return error instanceof ShardLostError || error instanceof StaleEpochError || error instanceof AppendConflictError;
}
