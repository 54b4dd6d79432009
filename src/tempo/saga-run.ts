/**
 * One saga being driven. The loop is always the same: commands → decideSaga → append → state → effects, and only this
 * file appends and then acts, in that order.
 */
import { AppendConflictError, type Journal } from '../journal/journal.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import type { SagaCommand, SagaEffect } from '../saga/command.ts';
import { decideSaga, type SagaDecision } from '../saga/decide-saga.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import type { SagaEvent } from './events.ts';
import { StepExecution } from './step-execution.ts';

/** What a run needs of its coordinator. */
export interface RunHost {
  readonly journal: Journal;
  /** Its wall clock must not step back while the process lives: {@link steadyClock}. */
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaEvent> | undefined;
  /** Whether no new attempt may start. */
  readonly draining: boolean;
  takeSlot(run: SagaRun): boolean;
  releaseSlot(): void;
  /** A run has begun to work, or has nothing in hand any more. */
  busy(run: SagaRun): void;
  idle(run: SagaRun): void;
  /** The journal has refused or failed: nothing more can be promised. */
  broken(error: unknown): void;
}

/** Called once when a saga has ended or waits for a person, or when its coordinator cannot go on. */
export interface SettleListener {
  settled(state: SagaState): void;
  broken(error: unknown): void;
}

/** One time round the loop: a decision, and what it was decided upon. */
interface Turn {
  readonly decision: SagaDecision;
  /** What the saga is after the records, for the journal. */
  readonly state: SagaState;
  readonly expectedSeq: number;
  readonly epoch: number;
  readonly hold: boolean;
}

/** Drives one saga from command to command. Commands that arrive during an append are decided together after it. */
export class SagaRun {
  readonly id: string;
  readonly definition: SagaDefinition;
  private readonly host: RunHost;
  private readonly execution: StepExecution;
  /** Settled when the acceptance is durable; absent in a run that was recovered. */
  private readonly accepted: PromiseWithResolvers<void> | undefined;
  private current: SagaState | undefined;
  private commands: SagaCommand[] = [];
  private working = false;
  private hasSlot = false;
  private executing = 0;
  private active = false;
  private wakeTimer: unknown;
  private failedWith: { readonly error: unknown } | undefined;
  private listeners: SettleListener[] = [];

  constructor(host: RunHost, id: string, definition: SagaDefinition, state?: SagaState) {
    this.host = host;
    this.id = id;
    this.definition = definition;
    this.current = state;
    this.accepted = state === undefined ? Promise.withResolvers() : undefined;
    this.execution = new StepExecution(host.clock, (command) => this.finished(command));
  }

  /** The durable state; `undefined` until the start is durable. */
  get state(): SagaState | undefined {
    return this.current;
  }

  /** Accepts the saga; resolves when that is durable. */
  start(command: Extract<SagaCommand, { type: 'start' }>): Promise<void> {
    this.send(command);
    return this.whenAccepted;
  }

  /** Resolves when the saga's acceptance is durable, rejects when it could not be made so. */
  get whenAccepted(): Promise<void> {
    return this.accepted?.promise ?? Promise.resolve();
  }

  /** Takes a command; it is decided at once, or together with others after the append in hand. */
  send(command: SagaCommand): void {
    // A literal takes the room of one; the first push onto an empty array takes that of seventeen.
    if (this.commands.length === 0) this.commands = [command];
    else this.commands.push(command);
    if (!this.working) void this.work();
  }

  /** There is a slot now: go on from where the records end. */
  granted(): void {
    this.hasSlot = true;
    this.send({ type: 'proceed' });
  }

  /** Calls back when the saga settles, at once when it has. Returns what takes the listener back. */
  onSettled(listener: SettleListener): () => void {
    if (this.failedWith !== undefined) listener.broken(this.failedWith.error);
    else if (this.current !== undefined && isSettled(this.current)) listener.settled(this.current);
    else this.listeners.push(listener);
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  /** Stops for good: what is in flight may finish, but nothing of it is noted. */
  break(error: unknown): void {
    if (this.failedWith !== undefined) return;
    this.failedWith = { error };
    this.accepted?.reject(error);
    this.host.clock.clearTimer(this.wakeTimer);
    const { listeners } = this;
    this.listeners = [];
    for (const listener of listeners) listener.broken(error);
  }

  private finished(command: SagaCommand): void {
    if (command.type !== 'action-settled') this.executing--;
    this.send(command);
  }

  private async work(): Promise<void> {
    this.working = true;
    if (!this.active) {
      this.active = true;
      this.host.busy(this);
    }
    try {
      while (this.commands.length > 0 && this.failedWith === undefined) {
        const turn = this.decide();
        const { records } = turn.decision;
        if (records.length > 0) await this.host.journal.append(this.id, records, turn);
        this.believe(turn);
      }
    } catch (error) {
      this.break(error);
      // A start that is refused because the id is taken concerns this run alone; anything else is the journal's end.
      if (this.current !== undefined || !(error instanceof AppendConflictError)) this.host.broken(error);
    }
    this.working = false;
    if (this.executing === 0) this.rest();
  }

  /** What follows from all that has come in. Nothing of it holds before its records are durable. */
  private decide(): Turn {
    const { host, commands } = this;
    this.commands = [];
    if (!this.hasSlot && !host.draining) this.hasSlot = host.takeSlot(this);
    const hold = host.draining || !this.hasSlot;
    const { epoch } = host.journal;
    const context = { id: this.id, now: host.clock.now(), random: host.random, epoch, hold };
    const expectedSeq = this.current?.seq ?? 0;
    let decision = decideSaga(this.definition, this.current, commands[0] as SagaCommand, context);
    for (let index = 1; index < commands.length; index++) {
      const next = decideSaga(this.definition, decision.state, commands[index] as SagaCommand, context);
      const records = [...decision.records, ...next.records];
      decision = { records, state: next.state, effects: [...decision.effects, ...next.effects] };
    }
    return { decision, state: decision.state, expectedSeq, epoch, hold };
  }

  private believe({ decision: { records, effects }, state, expectedSeq, hold }: Turn): void {
    this.current = state;
    if (expectedSeq === 0) this.accepted?.resolve();
    if (this.host.observer !== undefined) this.report(state, records);
    if (!hold) this.carryOut(effects);
    if (records.length > 0 && isSettled(state)) this.settle(state);
  }

  private report({ name, createdAt, headers }: SagaState, records: readonly SagaRecord[]): void {
    const facts = { type: 'saga.record', sagaId: this.id, sagaName: name, startedAt: createdAt, headers } as const;
    for (const record of records) notify(this.host.observer, { ...facts, record });
  }

  private carryOut(effects: readonly SagaEffect[]): void {
    let wakeAt = Infinity;
    for (const effect of effects) {
      if (effect.type === 'wake') wakeAt = Math.min(wakeAt, effect.at);
      else this.execute(effect);
    }
    this.wake(wakeAt);
  }

  private execute(effect: Exclude<SagaEffect, { type: 'wake' }>): void {
    if (this.current === undefined) return;
    this.executing++;
    this.execution.start(this.definition, this.current, effect);
  }

  /** One timer a saga, for whatever is due first; each decision names all that is due. */
  private wake(at: number): void {
    const { clock } = this.host;
    if (this.wakeTimer !== undefined) clock.clearTimer(this.wakeTimer);
    this.wakeTimer = undefined;
    if (at === Infinity) return;
    this.wakeTimer = clock.setTimer(at - clock.now(), () => {
      this.wakeTimer = undefined;
      if (this.failedWith === undefined) this.send({ type: 'proceed' });
    });
  }

  private settle(state: SagaState): void {
    const { listeners } = this;
    this.listeners = [];
    for (const listener of listeners) listener.settled(state);
  }

  private rest(): void {
    if (!this.active) return;
    this.active = false;
    if (this.hasSlot) {
      this.hasSlot = false;
      this.host.releaseSlot();
    }
    this.host.idle(this);
  }
}

/** Whether the saga has an outcome to tell: an end, or a wait for a person. */
export function isSettled(state: SagaState): boolean {
  return isTerminal(state.status) || state.status === 'needs-human';
}
