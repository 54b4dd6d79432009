import type { Call } from '../policy/call.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallEffect } from '../saga/command.ts';
import type { CallStep, CompensationContext } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { resultsOf } from '../saga/results.ts';
import type { SagaState } from '../saga/state.ts';
import type { StepState } from '../saga/step-state.ts';
import { attachDeadline } from '../time/deadline.ts';
import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { RemoteContext } from '../outbound/http-step.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';

/** What a call needs of whoever makes it. */
export interface CallHost {
  readonly clock: Clock;
  readonly caller: RemoteCaller | undefined;
  /** Tells that an answer was taken, but not all of it. */
  warn(sagaId: string, sagaName: string, step: string, attempt: number, warning: string): void;
}

/**
 * What a handler receives. Everything that costs something is made only when the handler asks for it: most steps use
 * their input and their key, few look at the signal.
 */
export class AttemptContext implements CompensationContext<unknown, unknown, unknown, unknown>, RemoteContext {
  readonly attempt: number;
  private readonly host: CallHost;
  private readonly saga: SagaState;
  private readonly definition: CallStep;
  private readonly effect: CallEffect;
  private readonly startedMs: number;
  private controller: AbortController | undefined;
  private ended: { readonly reason: unknown } | undefined;
  private guarded: Call | undefined;

  constructor(host: CallHost, saga: SagaState, definition: CallStep, effect: CallEffect) {
    this.attempt = effect.attempt;
    this.host = host;
    this.saga = saga;
    this.definition = definition;
    this.effect = effect;
    this.startedMs = host.clock.monotonicMs();
  }

  private get state(): StepState {
    return this.saga.steps[this.effect.step] as StepState;
  }

  get input(): unknown {
    const { args } = this;
    return args === undefined ? this.saga.input : args[0];
  }

  get args(): readonly [JsonValue] | undefined {
    return this.state.facts.args;
  }

  get caller(): RemoteCaller | undefined {
    return this.host.caller;
  }

  get isPoll(): boolean {
    const { action, compensation, probe } = this.state;
    return { run: action, compensate: compensation, probe }[this.effect.type].polling;
  }

  get now(): number {
    return this.host.clock.now();
  }

  warn(message: string): void {
    this.host.warn(this.saga.id, this.saga.name, this.step, this.attempt, message);
  }

  /** When the attempt was written down, ms since 1970. */
  get writtenAt(): number {
    return this.state.action.attemptAt ?? this.now;
  }

  get results(): unknown {
    return resultsOf(this.saga);
  }

  get sagaId(): string {
    return this.saga.id;
  }

  get step(): string {
    return this.state.name;
  }

  get epoch(): number {
    return this.saga.epoch;
  }

  get headers(): Readonly<Record<string, string>> {
    const { headers } = this.definition;
    return headers === undefined ? this.saga.headers : { ...this.saga.headers, ...headers };
  }

  get item(): unknown {
    return this.state.facts.item;
  }

  get place(): number | undefined {
    return this.state.facts.place;
  }

  get pin(): JsonValue | undefined {
    return this.state.facts.pin;
  }

  get signal(): AbortSignal {
    return this.guarded?.signal ?? this.ownSignal;
  }

  /** The attempt's own signal, which a guard around the handler may narrow. */
  get ownSignal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      attachDeadline(this.controller.signal, { clock: this.host.clock, dueMs: this.startedMs + this.effect.timeoutMs });
      if (this.ended !== undefined) this.controller.abort(this.ended.reason);
    }
    return this.controller.signal;
  }

  /** The handler is called inside a guard. */
  enter(call: Call): void {
    this.guarded = call;
  }

  /** Whether the attempt was ended from outside: then what its handler throws says nothing about the effect. */
  get wasEnded(): boolean {
    return this.ended !== undefined;
  }

  /** Ends the attempt's time: its signal aborts with the error that is returned. */
  expire(): Error {
    const what = `attempt ${this.attempt} of step "${this.step}" of saga "${this.saga.id}"`;
    const elapsedMs = this.host.clock.monotonicMs() - this.startedMs;
    const error = new DeadlineExceededError(what, { deadlineMs: this.effect.timeoutMs, elapsedMs });
    this.abort(error);
    return error;
  }

  /** Says that the attempt is not wanted any more. */
  abort(reason: unknown): void {
    this.ended ??= { reason };
    this.controller?.abort(reason);
  }

  get idempotencyKey(): string {
    return `${this.saga.id}/${this.step}/${this.effect.type === 'compensate' ? 'compensation' : 'action'}`;
  }

  get output(): unknown {
    return this.state.output;
  }

  get reason(): string {
    return this.saga.reason ?? '';
  }
}
