import { isMakegoodError } from '../errors.ts';
import type { Policy } from '../policy/policy.ts';
import { isRefusal } from '../policy/refused-error.ts';
import type { CallEffect, SagaCommand } from '../saga/command.ts';
import type { CallStep } from '../saga/definition.ts';
import type { SagaState } from '../saga/state.ts';
import type { Alarm, AlarmLink } from '../time/alarm-queue.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { AttemptContext, type CallHost } from './attempt-context.ts';
import { type EndedCall, outcomeOfError, outcomeOfRefusal, outcomeOfValue } from './call-outcome.ts';

/** Handlers of one step that have outlived their time-out and have not returned. */
interface Stragglers {
  count: number;
  /** Until then (wall clock, ms) what they sent may still arrive. */
  settleAt: number;
  /** Whether one of them has learned that the callee is still at it. */
  atIt: boolean;
}

type Handler = (context: unknown) => unknown;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function handlerOf(step: CallStep, { type }: CallEffect): Handler {
  // The definition checked that a step that is undone has a compensation, and one that is probed a probe.
  const handler = { run: step.run, compensate: step.compensate, probe: step.statusProbe }[type];
  return handler as Handler;
}

// Shared, and replaced rather than changed.
const noCalls: Call[] = [];

/** Is told what became of a call: an object, since a closure for each saga would stay as long as the saga. */
export interface CallListener {
  finished(command: SagaCommand): void;
}

/** Calls the handlers of one saga's steps, and turns what becomes of them into commands. */
export class StepExecution {
  private readonly host: CallHost;
  private readonly alarms: Alarms;
  private readonly listener: CallListener;
  private stragglers: Map<number, Stragglers> | undefined;
  private running: Call[] = noCalls;

  constructor(host: CallHost, listener: CallListener) {
    this.host = host;
    this.alarms = alarmsOf(host.clock);
    this.listener = listener;
  }

  /** Makes the call, inside its guard if it has one; its outcome is told exactly once, in this turn or a later one. */
  start(step: CallStep, state: SagaState, effect: CallEffect, guard?: Policy): void {
    const call = new Call(this, this.host, state, step, effect);
    const handler = handlerOf(step, effect);
    try {
      const result = guard === undefined ? call.make(handler) : call.makeInside(guard, handler);
      if (!isThenable(result)) return this.returned(call, result);
      this.alarms.set(call, this.host.clock.monotonicMs() + effect.timeoutMs);
      // A literal takes the room of one; the first push onto an empty array takes that of seventeen.
      if (this.running.length === 0) this.running = [call];
      else this.running.push(call);
      result.then(
        (value) => this.returned(call, value),
        (error: unknown) => this.threw(call, error),
      );
    } catch (error) {
      this.threw(call, error);
    }
  }

  /** Tells the actions in flight that they are not wanted any more; what becomes of them still counts. */
  abort(reason: unknown): void {
    for (const { step, effect, context } of this.running) {
      // A request that was sent cannot be taken back: its answer, which may still come, is worth more than its end.
      if (effect.type === 'run' && step.targets === undefined) context.abort(reason);
    }
  }

  /** Tells every call in flight, compensations included, that nobody here waits for it any more. */
  abandon(reason: unknown): void {
    for (const { context } of this.running) context.abort(reason);
  }

  private returned(call: Call, value: unknown): void {
    if (this.isFirstWord(call)) this.listener.finished(outcomeOfValue(this.endOf(call), value));
    else this.settle(call, false);
  }

  private threw(call: Call, error: unknown): void {
    if (this.isFirstWord(call)) this.listener.finished(failed(call, this.endOf(call), error));
    else this.settle(call, saysAtIt(call, error));
  }

  /** The handler's promise has settled: whether nothing has been told of the call yet. */
  private isFirstWord(call: Call): boolean {
    this.alarms.clear(call);
    const { running } = this;
    if (running.length > 1) this.running = running.filter((other) => other !== call);
    else if (running[0] === call) this.running = noCalls;
    return !call.told && (call.told = true);
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
  timeOut(call: Call): void {
    const error = call.context.expire();
    this.host.clock.soon(() => {
      if (call.told) return;
      call.told = true;
      // That a request is not waited for any more does not bring it back: it has a settle time, whenever its handler returns.
      if (call.effect.type === 'run' && call.made && call.step.targets === undefined) this.straggle(call);
      this.listener.finished(failed(call, this.endOf(call), error));
    });
  }

  private straggle(call: Call): void {
    this.stragglers ??= new Map();
    const settleAt = this.host.clock.now() + call.step.maxFlightMs;
    const { count = 0, atIt = false } = this.stragglers.get(call.effect.step) ?? {};
    this.stragglers.set(call.effect.step, { count: count + 1, settleAt, atIt });
  }

  private settle({ effect }: Call, atIt: boolean): void {
    const { step } = effect;
    const stragglers = effect.type === 'run' ? this.stragglers?.get(step) : undefined;
    if (stragglers === undefined) return;
    stragglers.atIt ||= atIt;
    if (--stragglers.count > 0) return;
    this.stragglers?.delete(step);
    // That a handler has returned ends what it had sent, but not the work of a callee that is still at it.
    if (!stragglers.atIt) this.listener.finished({ type: 'action-settled', step });
  }
}

/** Whether a callee may still be at it once a handler of its has returned: it has said so, then or before, and no other since. */
function saysAtIt({ polls }: Call, error: unknown): boolean {
  return polls || isMakegoodError(error, 'MAKEGOOD_IN_PROGRESS');
}

function failed({ made }: Call, ended: EndedCall, error: unknown): SagaCommand {
  // What refuses a call to a remote participant stands behind the handler: then too it was not made.
  const refused = !made || (ended.step.targets !== undefined && isRefusal(error));
  return refused ? outcomeOfRefusal(ended, error) : outcomeOfError(ended, error);
}

/** One call in flight: its context, its timer, and whether its outcome has been told. */
class Call implements Alarm {
  readonly step: CallStep;
  readonly effect: CallEffect;
  readonly context: AttemptContext;
  /** Whether it only asks a callee again that said it was at it. */
  readonly polls: boolean;
  /** Whether the handler was called: a guard may refuse before. */
  made = false;
  told = false;
  tick = 0;
  next: AlarmLink | undefined;
  previous: AlarmLink | undefined;
  private readonly execution: StepExecution;

  constructor(execution: StepExecution, host: CallHost, state: SagaState, step: CallStep, effect: CallEffect) {
    this.execution = execution;
    this.step = step;
    this.effect = effect;
    this.context = new AttemptContext(host, state, step, effect);
    this.polls = effect.type === 'run' && state.steps[effect.step]?.action.polling === true;
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

  ring(): void {
    this.execution.timeOut(this);
  }
}
