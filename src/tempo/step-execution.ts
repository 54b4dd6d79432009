import type { Policy } from '../policy/policy.ts';
import { isRefusal } from '../policy/refused-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { CallEffect, SagaCommand } from '../saga/command.ts';
import type { CallStep } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';
import { AttemptContext, type CallHost } from './attempt-context.ts';
import { type EndedCall, outcomeOfError, outcomeOfRefusal, outcomeOfValue } from './call-outcome.ts';

/** Handlers of one step that have outlived their time-out and have not returned. */
interface Stragglers {
  count: number;
  /** Until then (wall clock, ms) what they sent may still arrive. */
  settleAt: number;
}

/** What became of a handler's promise. */
type Ending = { readonly value: unknown } | { readonly error: unknown };

type Handler = (context: unknown) => unknown;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function handlerOf(step: CallStep, { type }: CallEffect): Handler {
  // The definition checked that a step that is undone has a compensation, and one that is probed a probe.
  const handler = { run: step.run, compensate: step.compensate, probe: step.statusProbe }[type];
  return handler as Handler;
}

/** Calls the handlers of one saga's steps, and turns what becomes of them into commands. */
export class StepExecution {
  private readonly host: CallHost;
  private readonly tell: (command: SagaCommand) => void;
  private stragglers: Map<number, Stragglers> | undefined;
  private running: Call[] = [];

  constructor(host: CallHost, tell: (command: SagaCommand) => void) {
    this.host = host;
    this.tell = tell;
  }

  /** Makes the call, inside its guard if it has one; its outcome is told exactly once, in this turn or a later one. */
  start(step: CallStep, state: SagaState, effect: CallEffect, guard?: Policy): void {
    const call = new Call(this.host, state, step, effect);
    const handler = handlerOf(step, effect);
    try {
      const result = guard === undefined ? call.make(handler) : call.makeInside(guard, handler);
      if (!isThenable(result)) return this.end(call, { value: result });
      call.arm(() => this.timeOut(call));
      this.running.push(call);
      result.then(
        (value) => this.end(call, { value }),
        (error: unknown) => this.end(call, { error }),
      );
    } catch (error) {
      this.end(call, { error });
    }
  }

  /** Tells the actions in flight that they are not wanted any more; what becomes of them still counts. */
  abort(reason: unknown): void {
    for (const { step, effect, context } of this.running) {
      // A request that was sent cannot be taken back: its answer, which may still come, is worth more than its end.
      if (effect.type === 'run' && step.targets === undefined) context.abort(reason);
    }
  }

  private end(call: Call, ending: Ending): void {
    call.disarm();
    if (this.running.length > 0) this.running = this.running.filter((other) => other !== call);
    if (call.told) return this.settle(call);
    call.told = true;
    const ended = this.endOf(call);
    this.tell('value' in ending ? outcomeOfValue(ended, ending.value) : failed(call, ended, ending.error));
  }

  private endOf({ step, effect, context }: Call): EndedCall {
    const settleAt = effect.type === 'run' ? this.stragglers?.get(effect.step)?.settleAt : undefined;
    return {
      step,
      effect,
      wasEnded: context.wasEnded,
      settleAt,
      writtenAt: context.writtenAt,
      now: this.host.clock.now(),
    };
  }

  /** The attempt's time is over: abort it, let a handler that listens return, and else go on without it. */
  private timeOut(call: Call): void {
    const error = call.expire();
    this.host.clock.soon(() => {
      if (call.told) return;
      call.told = true;
      // That a request is not waited for any more does not bring it back: it has a settle time, whenever its handler returns.
      if (call.effect.type === 'run' && call.made && call.step.targets === undefined) this.straggle(call);
      this.tell(failed(call, this.endOf(call), error));
    });
  }

  private straggle(call: Call): void {
    this.stragglers ??= new Map();
    const settleAt = this.host.clock.now() + call.step.maxFlightMs;
    const already = this.stragglers.get(call.effect.step);
    this.stragglers.set(call.effect.step, { count: (already?.count ?? 0) + 1, settleAt });
  }

  private settle({ effect }: Call): void {
    const stragglers = effect.type === 'run' ? this.stragglers?.get(effect.step) : undefined;
    if (stragglers === undefined || --stragglers.count > 0) return;
    this.stragglers?.delete(effect.step);
    this.tell({ type: 'action-settled', step: effect.step });
  }
}

function failed({ made }: Call, ended: EndedCall, error: unknown): SagaCommand {
  // What refuses a call to a remote participant stands behind the handler: then too it was not made.
  const refused = !made || (ended.step.targets !== undefined && isRefusal(error));
  return refused ? outcomeOfRefusal(ended, error) : outcomeOfError(ended, error);
}

/** One call in flight: its context, its timer, and whether its outcome has been told. */
class Call {
  readonly step: CallStep;
  readonly effect: CallEffect;
  readonly context: AttemptContext;
  /** Whether the handler was called: a guard may refuse before. */
  made = false;
  told = false;
  private readonly clock: Clock;
  private timer: unknown;

  constructor(host: CallHost, state: SagaState, step: CallStep, effect: CallEffect) {
    this.clock = host.clock;
    this.step = step;
    this.effect = effect;
    this.context = new AttemptContext(host, state, step, effect);
  }

  make(handler: Handler): unknown {
    this.made = true;
    return handler(this.context);
  }

  makeInside(guard: Policy, handler: Handler): Promise<unknown> {
    return guard.execute(
      (call) => {
        this.context.enter(call);
        return this.make(handler);
      },
      { signal: this.context.ownSignal },
    );
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
