import { type RetryBudget, retryBudget } from '../guards/retry-budget.ts';
import type { Attempt } from '../policy/attempt.ts';
import { abortableSignalOf, type ExecuteOptions } from '../policy/call.ts';
import type { Policy } from '../policy/policy.ts';
import type { RetryRules } from './decide-retry.ts';
import { checkRetried } from './retry.ts';
import { type RetriedFunction, RetryCall } from './retry-call.ts';
import { checkSignal, resolveRetrySettings, type RetryLoopOptions, type RetrySettings } from './retry-settings.ts';

/** Options of {@link retryPolicy}. */
export interface RetryPolicyOptions extends RetryLoopOptions {
  /**
   * The allowance that the retries of all calls under this policy are taken from; share one among the policies for one
   * callee. `false` for none. Default `retryBudget()`, the policy's own.
   */
  readonly budget?: RetryBudget | false | undefined;
}

/** A way to retry, to be used for many calls; see {@link retryPolicy}. Immutable but for its budget. */
export interface RetryPolicy extends Policy {
  /** What decides, complete; a durable saga takes its decisions by the same rules. */
  readonly rules: RetryRules;
  /** The budget its retries are taken from, if there is one. */
  readonly budget: RetryBudget | undefined;
  /** Calls `fn` and retries it; as `retry` does, under this policy. */
  execute<Result>(fn: RetriedFunction<Result>, options?: ExecuteOptions): Promise<Result>;
  /** Makes a function that is retried each time it is called; `fn` is handed the attempt before the arguments. */
  wrap<Args extends readonly unknown[], Result>(
    fn: (attempt: Attempt, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result>;
}

class SettledRetryPolicy implements RetryPolicy {
  private readonly settings: RetrySettings;

  constructor(settings: RetrySettings) {
    this.settings = Object.freeze(settings);
  }

  get rules(): RetryRules {
    return this.settings.rules;
  }

  get budget(): RetryBudget | undefined {
    return this.settings.budget;
  }

  execute<Result>(fn: RetriedFunction<Result>, options?: ExecuteOptions): Promise<Result> {
    checkRetried(fn);
    const signal = abortableSignalOf(options);
    checkSignal(signal);
    return new RetryCall(this.settings, fn, signal).begin();
  }

  wrap<Args extends readonly unknown[], Result>(
    fn: (attempt: Attempt, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result> {
    checkRetried(fn);
    return (...args) => this.execute((attempt) => fn(attempt, ...args));
  }
}

/**
 * Makes a policy of retry options: checked once, used for any number of calls, and one budget for all of them, so that
 * together they cannot retry a struggling callee into the ground.
 *
 * @param options as of `retry`, without `signal`, which belongs to a call.
 * @param options.budget the allowance its retries are taken from; `false` for none. Default its own `retryBudget()`.
 * @returns a policy: `execute(fn, { signal })` makes a call, `wrap(fn)` a function.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @example
 * await retryPolicy({ maxAttempts: 3 }).execute(async ({ maxAttempts }) => maxAttempts) // => 3
 */
export function retryPolicy(options: RetryPolicyOptions = {}): RetryPolicy {
  const { budget = retryBudget(options.clock === undefined ? {} : { clock: options.clock }) } = options;
  return new SettledRetryPolicy(resolveRetrySettings(options, budget === false ? undefined : budget));
}
