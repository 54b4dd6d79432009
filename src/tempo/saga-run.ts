/**
 * One saga being driven. The loop is always the same: commands → decideSaga → append → state → effects, and only this
 * file appends and then acts, in that order.
 */
import { isMakegoodError } from '../errors.ts';
import { isRefusedStart } from '../journal/journal.ts';
import { RecordRefusedError } from '../journal/record-refused-error.ts';
import { ShardLostError } from '../journal/shard-lost-error.ts';
import type { CallEffect, ControlCommand, SagaCommand, SagaEffect } from '../saga/command.ts';
import { decideSaga, type SagaDecision } from '../saga/decide-saga.ts';
import type { CallStep, SagaDefinition } from '../saga/definition.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { DecisionContext } from '../saga/draft.ts';
import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import { stepOf } from '../saga/step-of.ts';
import { Askers } from './askers.ts';
import type { RunHost } from './run-host.ts';
import { SagaCancelledError } from './saga-errors.ts';
import { isSettled, type SettleListener, SettleListeners } from './settle-listener.ts';
import { type CallListener, StepExecution } from './step-execution.ts';
import { tellRecords, tellStale } from './tell-saga.ts';
import { askedBy, hasMoved, isStale, joined, leftUncalled, type Turn } from './turn.ts';
import { WakeTimer } from './wake-timer.ts';

// Shared by all who have none, and replaced rather than changed.
const noCommands: SagaCommand[] = [];

/** Drives one saga from command to command. Commands that arrive during an append are decided together after it. */
export class SagaRun implements CallListener {
  readonly id: string;
  definition: SagaDefinition;
  /** Whether its definition is not registered here: it is left alone until it is. */
  blocked = false;
  private readonly host: RunHost<SagaRun>;
  private readonly execution: StepExecution;
  /** Settled when the acceptance is durable; absent in a run that was recovered. */
  private readonly accepted: PromiseWithResolvers<void> | undefined;
  private current: SagaState | undefined;
  private commands: SagaCommand[] = noCommands;
  private working = false;
  private hasSlot = false;
  private executing = 0;
  private active = false;
  private wakeTimer: WakeTimer | undefined;
  private failedWith: { readonly error: unknown } | undefined;
  private listeners: SettleListeners | undefined;
  private turn: Turn | undefined; // what is on its way to the disk
  private askers: Askers | undefined;

  constructor(host: RunHost<SagaRun>, id: string, definition: SagaDefinition, state?: SagaState) {
    this.host = host;
    this.id = id;
    this.definition = definition;
    this.current = state;
    this.accepted = state === undefined ? Promise.withResolvers() : undefined;
    this.execution = new StepExecution(host, this);
  }

  /** What stopped it for good. */
  get trouble(): unknown {
    return this.failedWith?.error;
  }

  /** The durable state; `undefined` until the start is durable. */
  get state(): SagaState | undefined {
    return this.current;
  }

  /** Whether records are on their way: others may see them already. */
  get writing(): boolean {
    return this.turn !== undefined;
  }

  /** The time by which its saga is driven, ms since 1970. */
  get now(): number {
    return this.host.clock.now();
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
    if (this.commands.length === 0) this.commands = [command];
    else this.commands.push(command);
    if (!this.working) this.work();
  }

  /** Sends a control command; resolves with the state that it led to and is durable, rejects when it is refused. */
  ask(command: ControlCommand): Promise<SagaState> {
    if (this.failedWith !== undefined) return Promise.reject(this.failedWith.error);
    this.askers ??= new Askers();
    const answered = this.askers.wait(command);
    this.send(command);
    return answered;
  }

  /** Another coordinator has made its start durable; whoever listens here has not heard of it. */
  tellStarted(start: SagaRecord, position: number): void {
    const { observer } = this.host;
    if (this.current !== undefined && observer !== undefined) tellRecords(observer, this.current, [start], position);
  }

  /** Its definition is registered now: go on from where the records end. */
  unblock(definition: SagaDefinition): void {
    this.definition = definition;
    this.blocked = false;
    this.send({ type: 'recover' });
  }

  /** There is a slot now: go on from where the records end. */
  granted(): void {
    this.hasSlot = true;
    this.send({ type: 'proceed' });
  }

  /** Calls back when the saga settles, at once when it has. */
  onSettled(listener: SettleListener): void {
    if (this.failedWith !== undefined) listener.broken(this.failedWith.error);
    else if (this.current !== undefined && isSettled(this.current)) listener.settled(this.current);
    else (this.listeners ??= new SettleListeners()).add(listener);
  }

  /** Takes a listener back. */
  forget(listener: SettleListener): void {
    this.listeners?.forget(listener);
  }

  /** Stops for good: what is in flight may finish, but nothing of it is noted. */
  break(error: unknown): void {
    if (this.failedWith !== undefined) return;
    this.failedWith = { error };
    this.accepted?.reject(error);
    this.wakeTimer?.clear();
    // Whoever owns the saga now makes the same call: ours is not wanted any more.
    if (error instanceof ShardLostError) this.execution.abandon(error);
    this.listeners?.broken(error);
    // Whoever's command is on its way is told what becomes of it: asked of the next owner too, it might hold twice.
    this.askers?.refuseAll(error, this.turn?.answered);
  }

  /** A call has ended, or what was left of one. */
  finished(command: SagaCommand): void {
    if (command.type !== 'action-settled') this.executing--;
    this.send(command);
  }

  private work(): void {
    this.working = true;
    if (!this.active) {
      this.active = true;
      this.host.busy(this);
    }
    this.goOn();
  }

  /**
   * Decides upon what has come in, until an append is to be waited for or nothing is left. With callbacks, which are made
   * once a saga: an `async` function would make as much again at every append.
   */
  private goOn(): void {
    try {
      while (this.commands.length > 0 && this.failedWith === undefined) {
        const turn = this.decide();
        const { records } = turn.decision;
        if (records.length > 0) {
          this.turn = turn;
          this.host.journal.append(this.id, records, turn).then(this.durable, this.refused);
          return;
        }
        this.believe(turn, 0);
      }
    } catch (error) {
      this.fail(error);
    }
    this.stopWorking();
  }

  private readonly durable = (position: number): void => {
    try {
      this.believe(this.turn as Turn, position);
    } catch (error) {
      this.fail(error);
    }
    this.turn = undefined;
    this.goOn();
  };

  private readonly refused = (error: unknown): void => {
    this.turn = undefined;
    this.fail(error);
    this.stopWorking();
  };

  private fail(error: unknown): void {
    this.break(error);
    this.askers?.refuseAll(error);
    // What cannot be stored, and a start that is refused, such as when the id is taken, concerns this run alone; anything
    // else is the journal's end.
    const ownTrouble = error instanceof RecordRefusedError || (this.current === undefined && isRefusedStart(error));
    if (!ownTrouble) this.host.broken(error);
  }

  private stopWorking(): void {
    this.working = false;
    // What still runs for a saga that has ended is nobody's concern any more.
    if (this.executing === 0 || (this.current !== undefined && isTerminal(this.current.status))) this.rest();
  }

  /** What follows from all that has come in. Nothing of it holds before its records are durable. */
  private decide(): Turn {
    const { host, commands } = this;
    this.commands = noCommands;
    if (!this.hasSlot && !host.draining && !this.blocked) this.hasSlot = host.takeSlot(this);
    const hold = host.draining || !this.hasSlot;
    const { random, crashLimit, rulesFor, clock } = host;
    const { epoch } = host.journal;
    const context = { id: this.id, now: clock.now(), random, epoch, hold, crashLimit, rulesFor };
    const expectedSeq = this.current?.seq ?? 0;
    let decision = this.decideOne(commands[0] as SagaCommand, this.current, context);
    for (let index = 1; index < commands.length; index++)
      decision = joined(decision, this.decideOne(commands[index] as SagaCommand, decision.state, context));
    const answered = this.askers && commands;
    const asked = answered && askedBy(answered);
    const allowReuse = commands[0]?.type === 'start' ? commands[0].allowReuse : undefined;
    return { decision, state: decision.state, expectedSeq, epoch, hold, asked, answered, allowReuse };
  }

  private decideOne(command: SagaCommand, state: SagaState | undefined, context: DecisionContext): SagaDecision {
    try {
      const decision = decideSaga(this.definition, state, command, context);
      if (command.type === 'migrate') this.definition = command.to;
      if (isStale(command, decision)) tellStale(this.host.observer, this.id, this.current?.name ?? '', command.type);
      return decision;
    } catch (error) {
      // A refusal concerns whoever asked; anything else is a fault of ours, which must not be hidden.
      const concernsAsker =
        state !== undefined && isMakegoodError(error) && this.askers?.refuse(command, error) === true;
      if (!concernsAsker) throw error;
      return decideSaga(this.definition, state, { type: 'proceed' }, context);
    }
  }

  private believe(
    { decision: { records, effects }, state, expectedSeq, hold, answered }: Turn,
    position: number,
  ): void {
    const before = this.current;
    this.current = state;
    if (expectedSeq === 0) this.accepted?.resolve();
    if (this.host.observer !== undefined) tellRecords(this.host.observer, state, records, position);
    this.carryOut(effects, hold);
    if (records.length === 0 && answered === undefined) return;
    if (hasMoved(before, state)) this.host.moved(this);
    if (isSettled(state)) this.listeners?.settled(state);
    for (const command of answered ?? []) this.askers?.answer(command, state);
    if (this.askers?.size === 0) this.askers = undefined;
  }

  private carryOut(effects: readonly SagaEffect[], hold: boolean): void {
    let wakeAt = Infinity;
    for (const effect of effects) {
      switch (effect.type) {
        case 'wake':
          wakeAt = Math.min(wakeAt, effect.at);
          break;
        case 'abort':
          this.execution.abort(new SagaCancelledError(this.id, this.current?.said));
          break;
        case 'run':
        case 'compensate':
        case 'probe':
          this.execute(effect);
          break;
        default:
          this.host.askChild(this, effect);
      }
    }
    if (!hold) this.wake(wakeAt);
  }

  private execute(effect: CallEffect): void {
    const { current, definition, host } = this;
    if (current === undefined || this.failedWith !== undefined || isTerminal(current.status)) return;
    if (effect.type === 'run' && current.reason !== undefined) return this.send(leftUncalled(current, effect));
    // Another may own the saga by now, and make the same call; it has read the same records.
    if (!host.mayAct) return host.broken(new ShardLostError(undefined, 'its lease may be over'));
    this.executing++;
    const step = stepOf(definition, current, effect.step) as CallStep;
    this.execution.start(step, current, effect, host.guardFor(definition.name, step.name));
  }

  /** Decides again when something is due. Few sagas wait, so the timer is made for the first that does. */
  private wake(at: number): void {
    if (at === Infinity || this.failedWith !== undefined) return this.wakeTimer?.clear();
    this.wakeTimer ??= new WakeTimer(this.host.clock, () => {
      if (this.failedWith === undefined) this.send({ type: 'proceed' });
    });
    this.wakeTimer.set(at);
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
