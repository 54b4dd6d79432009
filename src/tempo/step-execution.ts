import type { Clock } from '../ports/clock.ts';
import type { SagaCommand, SagaEffect } from '../saga/command.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';
import { toJsonValue } from '../saga/json-value.ts';
import type { SagaState } from '../saga/state.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { AttemptContext } from './attempt-context.ts';

/** A call that is to be made. */
type CallEffect = Exclude<SagaEffect, { type: 'wake' }>;

/** Handlers of one step that have outlived their time-out and have not returned. */
interface Stragglers {
  count: number;
  /** Until then (wall clock, ms) what they sent may still arrive. */
  settleAt: number;
}

/** What became of a handler's promise. */
type Ending = { readonly value: unknown } | { readonly error: unknown };

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Calls the handlers of one saga's steps, and turns what becomes of them into commands. */
export class StepExecution {
  private readonly clock: Clock;
  private readonly tell: (command: SagaCommand) => void;
  private stragglers: Map<number, Stragglers> | undefined;

  constructor(clock: Clock, tell: (command: SagaCommand) => void) {
    this.clock = clock;
    this.tell = tell;
  }

  /** Makes the call; its outcome is told exactly once, in this turn or a later one. */
  start(definition: SagaDefinition, state: SagaState, effect: CallEffect): void {
    const step = definition.steps[effect.step] as StepDefinition;
    const call = new Call(this.clock, state, step, effect);
    const handler = effect.type === 'run' ? step.run : step.compensate;
    try {
      // The definition checked that a step that is undone has a compensation.
      const result = (handler as (context: unknown) => unknown)(call.context);
      if (!isThenable(result)) return this.end(call, { value: result });
      call.arm(() => this.timeOut(call));
      result.then(
        (value) => this.end(call, { value }),
        (error: unknown) => this.end(call, { error }),
      );
    } catch (error) {
      this.end(call, { error });
    }
  }

  private end(call: Call, ending: Ending): void {
    call.disarm();
    if (call.told) return this.settle(call);
    call.told = true;
    this.tell('value' in ending ? this.succeeded(call, ending.value) : this.failed(call, ending.error));
  }

  private succeeded({ effect, step }: Call, value: unknown): SagaCommand {
    if (effect.type === 'compensate')
      return { type: 'compensation-applied', step: effect.step, attempt: effect.attempt };
    const { attempt } = effect;
    try {
      const output = toJsonValue(value, `output of step "${step.name}"`);
      return { type: 'action-applied', step: effect.step, attempt, output, settleAt: this.settleAt(effect.step) };
    } catch (error) {
      // The effect happened but its output cannot be kept: the step counts as unknown, so that it is undone.
      return { type: 'action-failed', step: effect.step, attempt, error, definite: false };
    }
  }

  private failed({ effect }: Call, error: unknown): SagaCommand {
    const outcome = { step: effect.step, attempt: effect.attempt, error, definite: isDefinite(error) };
    return effect.type === 'compensate'
      ? { type: 'compensation-failed', ...outcome }
      : { type: 'action-failed', ...outcome, settleAt: this.settleAt(effect.step) };
  }

  /** The attempt's time is over: abort it, let a handler that listens return, and else go on without it. */
  private timeOut(call: Call): void {
    const error = call.expire();
    this.clock.soon(() => {
      if (call.told) return;
      call.told = true;
      if (call.effect.type === 'run') this.straggle(call);
      this.tell(this.failed(call, error));
    });
  }

  private straggle(call: Call): void {
    this.stragglers ??= new Map();
    const settleAt = this.clock.now() + call.step.maxFlightMs;
    const already = this.stragglers.get(call.effect.step);
    this.stragglers.set(call.effect.step, { count: (already?.count ?? 0) + 1, settleAt });
  }

  private settle({ effect }: Call): void {
    const stragglers = effect.type === 'run' ? this.stragglers?.get(effect.step) : undefined;
    if (stragglers === undefined || --stragglers.count > 0) return;
    this.stragglers?.delete(effect.step);
    this.tell({ type: 'action-settled', step: effect.step });
  }

  private settleAt(step: number): number | undefined {
    return this.stragglers?.get(step)?.settleAt;
  }
}

/** One call in flight: its context, its timer, and whether its outcome has been told. */
class Call {
  readonly step: StepDefinition;
  readonly effect: CallEffect;
  readonly context: AttemptContext;
  told = false;
  private readonly clock: Clock;
  private timer: unknown;

  constructor(clock: Clock, state: SagaState, step: StepDefinition, effect: CallEffect) {
    this.clock = clock;
    this.step = step;
    this.effect = effect;
    this.context = new AttemptContext(clock, state, step, effect);
  }

  arm(expired: () => void): void {
    this.timer = this.clock.setTimer(this.effect.timeoutMs, expired);
  }

  disarm(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }

  expire(): unknown {
    this.timer = undefined;
    return this.context.expire();
  }
}
