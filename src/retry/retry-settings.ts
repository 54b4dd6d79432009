import type { RetryBudget } from '../guards/retry-budget.ts';
import { type AdmissionGuard, isAdmissionGuard } from '../policy/admission.ts';
import { compose } from '../policy/compose.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { type RetryOptions, type RetryRules, resolveRetryRules } from './decide-retry.ts';
import type { RetryEvent } from './retry-events.ts';

/** What surrounds the decision in a call that is retried in memory. */
export interface RetryLoopOptions extends RetryOptions {
  /**
   * How long one attempt may take. It aborts that attempt only, with a `DeadlineExceededError`, which counts as
   * transient; the call goes on even if the function ignores its signal. Default: no limit.
   */
  readonly attemptTimeout?: Duration | undefined;
  /** How long the whole call may take, waits included. The signal's own deadline can only shorten it. Default: no limit. */
  readonly deadline?: Duration | undefined;
  /** Policies around each attempt, the outermost first. One that refuses without calling the function ends the call. */
  readonly guards?: readonly Policy[] | undefined;
  /** Is told of every attempt and decision, see {@link RetryEvent}. Default: nobody. */
  readonly observer?: Observer<RetryEvent> | undefined;
  /** What the call is named in events and messages. Default `'retry'`. */
  readonly name?: string | undefined;
  /** What measures time and waits. Default the system's clock. */
  readonly clock?: Clock | undefined;
  /** Where jitter is drawn from. Default the system's random source. */
  readonly random?: Random | undefined;
}

/** {@link RetryLoopOptions} checked and complete. */
export interface RetrySettings {
  readonly rules: RetryRules;
  readonly attemptTimeoutMs: number;
  readonly deadlineMs: number;
  /** Whether one of the two is a limit at all. */
  readonly isTimed: boolean;
  /** The guards, when all they do is admit attempts; they are asked without a promise or a closure. */
  readonly admission: AdmissionGuard | undefined;
  /** The guards otherwise. */
  readonly guard: Policy | undefined;
  readonly budget: RetryBudget | undefined;
  readonly observer: Observer<RetryEvent> | undefined;
  readonly name: string;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly random: Random;
}

/** Checks the options of a retried call and fills in the defaults, once, where they enter. */
export function resolveRetrySettings(options: RetryLoopOptions, budget: RetryBudget | undefined): RetrySettings {
  const { attemptTimeout, deadline, guards = [], observer, name = 'retry' } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const rules = resolveRetryRules(options);
  const attemptTimeoutMs = attemptTimeout === undefined ? Infinity : toMs(attemptTimeout, 'attemptTimeout');
  if (attemptTimeoutMs === 0) throw new RangeError('Expected attemptTimeout to be more than 0 ms, got 0');
  const deadlineMs = deadline === undefined ? Infinity : toMs(deadline, 'deadline');
  if (!Array.isArray(guards)) throw new TypeError(`Expected guards to be a list of policies, got ${typeof guards}`);
  const around = guards.length === 0 ? undefined : compose(...(guards as readonly Policy[]));
  const [admission, guard] = around !== undefined && isAdmissionGuard(around) ? [around] : [undefined, around];
  if (typeof name !== 'string') throw new TypeError(`Expected name to be text, got ${typeof name}`);
  checkFunction('observer', observer);
  checkFunction('random', random);
  checkMethod('clock', clock, 'setTimer', 'a Clock');
  checkMethod('budget', budget, 'withdraw', 'a retry budget');
  const isTimed = attemptTimeoutMs < Infinity || deadlineMs < Infinity;
  return {
    rules,
    attemptTimeoutMs,
    deadlineMs,
    isTimed,
    admission,
    guard,
    budget,
    observer,
    name,
    clock,
    alarms: alarmsOf(clock),
    random,
  };
}

function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw new TypeError(`Expected ${option} to be a function, got ${typeof value}`);
}

/** Checks by what is used of a thing, so that those of other realms, polyfills and fakes pass. */
function checkMethod(option: string, value: unknown, method: string, kind: string): void {
  if (value === undefined || typeof (value as Record<string, unknown> | null)?.[method] === 'function') return;
  throw new TypeError(`Expected ${option} to be ${kind}, got ${value === null ? 'null' : typeof value}`);
}

/** Checks a caller's signal. */
export function checkSignal(signal: unknown): void {
  checkMethod('signal', signal, 'addEventListener', 'an AbortSignal');
}
