import type { Clock } from '../ports/clock.ts';
import type { SagaEffect } from '../saga/command.ts';
import { resultsOf } from '../saga/results.ts';
import type { CompensationContext, StepDefinition } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';
import { attachDeadline } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';

/**
 * What a handler receives. Everything that costs something is made only when the handler asks for it: most steps use
 * their input and their key, few look at the signal.
 */
export class AttemptContext implements CompensationContext {
  readonly attempt: number;
  private readonly clock: Clock;
  private readonly saga: SagaState;
  private readonly definition: StepDefinition;
  private readonly effect: Exclude<SagaEffect, { type: 'wake' }>;
  private readonly startedMs: number;
  private controller: AbortController | undefined;
  private expired: Error | undefined;

  constructor(
    clock: Clock,
    saga: SagaState,
    definition: StepDefinition,
    effect: Exclude<SagaEffect, { type: 'wake' }>,
  ) {
    this.attempt = effect.attempt;
    this.clock = clock;
    this.saga = saga;
    this.definition = definition;
    this.effect = effect;
    this.startedMs = clock.monotonicMs();
  }

  get input(): unknown {
    return this.saga.input;
  }

  get results(): unknown {
    return resultsOf(this.saga);
  }

  get sagaId(): string {
    return this.saga.id;
  }

  get step(): string {
    return this.definition.name;
  }

  get epoch(): number {
    return this.saga.epoch;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.saga.headers;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      attachDeadline(this.controller.signal, { clock: this.clock, dueMs: this.startedMs + this.effect.timeoutMs });
      if (this.expired !== undefined) this.controller.abort(this.expired);
    }
    return this.controller.signal;
  }

  /** Ends the attempt's time: its signal aborts with the error that is returned. */
  expire(): Error {
    const what = `attempt ${this.attempt} of step "${this.definition.name}" of saga "${this.saga.id}"`;
    const elapsedMs = this.clock.monotonicMs() - this.startedMs;
    this.expired = new DeadlineExceededError(what, { deadlineMs: this.effect.timeoutMs, elapsedMs });
    this.controller?.abort(this.expired);
    return this.expired;
  }

  get idempotencyKey(): string {
    return `${this.saga.id}/${this.definition.name}/${this.effect.type === 'run' ? 'action' : 'compensation'}`;
  }

  get output(): unknown {
    return this.saga.steps[this.effect.step]?.output;
  }

  get reason(): string {
    return this.saga.reason ?? '';
  }
}
