import type { Call } from '../policy/call.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallEffect } from '../saga/command.ts';
import type { CallStep, CompensationContext } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { resultsOf } from '../saga/results.ts';
import type { SagaState } from '../saga/state.ts';
import type { StepState } from '../saga/step-state.ts';
import { attachDeadline } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';

/**
 * What a handler receives. Everything that costs something is made only when the handler asks for it: most steps use
 * their input and their key, few look at the signal.
 */
export class AttemptContext implements CompensationContext<unknown, unknown, unknown, unknown> {
  readonly attempt: number;
  private readonly clock: Clock;
  private readonly saga: SagaState;
  private readonly definition: CallStep;
  private readonly effect: CallEffect;
  private readonly startedMs: number;
  private controller: AbortController | undefined;
  private ended: { readonly reason: unknown } | undefined;
  private guarded: Call | undefined;

  constructor(clock: Clock, saga: SagaState, definition: CallStep, effect: CallEffect) {
    this.attempt = effect.attempt;
    this.clock = clock;
    this.saga = saga;
    this.definition = definition;
    this.effect = effect;
    this.startedMs = clock.monotonicMs();
  }

  private get state(): StepState {
    return this.saga.steps[this.effect.step] as StepState;
  }

  get input(): unknown {
    const { args } = this.state.facts;
    return args === undefined ? this.saga.input : args[0];
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
      attachDeadline(this.controller.signal, { clock: this.clock, dueMs: this.startedMs + this.effect.timeoutMs });
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
    const elapsedMs = this.clock.monotonicMs() - this.startedMs;
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
