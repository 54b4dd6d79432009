import type { RetryBudget } from '../guards/retry-budget.ts';
import { checkFunction, checkMethod, checkText, wrongType } from '../options.ts';
import { type AdmissionGuard, isAdmissionGuard } from '../policy/admission.ts';
import type { Fuser } from '../policy/admission-chain.ts';
import { checkPolicies, nested } from '../policy/nested.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { type Duration, toMs, toPositiveMs } from '../time/duration.ts';
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
  readonly guard: Policy['execute'] | undefined;
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
  // Bare `retry` resolves its options at each call, and looking a method up by its name costs as much as all else here.
  if (clock !== systemClock) checkMethod('clock', clock, 'setTimer', 'a Clock');
  const rules = resolveRetryRules(options);
  const attemptTimeoutMs = attemptTimeout === undefined ? Infinity : toPositiveMs(attemptTimeout, 'attemptTimeout');
  const deadlineMs = deadline === undefined ? Infinity : toMs(deadline, 'deadline');
  if (!Array.isArray(guards)) throw wrongType('guards', 'a list of policies', guards);
  const { admission, guard } = guards.length === 0 ? unguarded : arrangeGuards(guards as readonly Policy[]);
  if (budget !== undefined) checkMethod('budget', budget, 'withdraw', 'a retry budget');
  return {
    rules,
    attemptTimeoutMs,
    deadlineMs,
    isTimed: attemptTimeoutMs < Infinity || deadlineMs < Infinity,
    admission,
    guard,
    budget,
    observer: checkFunction('observer', observer),
    name: checkText('name', name),
    clock,
    alarms: alarmsOf(clock),
    random: checkFunction('random', random),
  };
}

const unguarded: Pick<RetrySettings, 'admission' | 'guard'> = { admission: undefined, guard: undefined };

/** The guards as the loop runs them: asked, where all they do is admit attempts, or else run. */
export function arrangeGuards(guards: readonly Policy[]): Pick<RetrySettings, 'admission' | 'guard'> {
  checkPolicies(guards);
  const fuser = (guards as readonly Partial<Fuser>[]).find(({ fuse }) => fuse !== undefined);
  const layers = fuser?.fuse?.(guards) ?? guards;
  const [only] = layers;
  return only !== undefined && layers.length === 1 && isAdmissionGuard(only)
    ? { admission: only, guard: undefined }
    : { admission: undefined, guard: nested(layers) };
}

/** Checks a caller's signal. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined) checkMethod('signal', signal, 'addEventListener', 'an AbortSignal');
}
