import { abortableSignalOf, type Call, callOf, type ExecuteOptions } from '../policy/call.ts';
import { type Policy, wrapWith } from '../policy/policy.ts';
import { startNow } from '../policy/start-now.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import { checkFunction, checkText } from '../options.ts';
import type { GuardFault } from './guard-events.ts';

/** Options of {@link fallback}. */
export interface FallbackOptions {
  /** For which errors the fallback is taken. Default: all of them; never once the caller's signal has aborted. */
  readonly when?: ErrorTest | undefined;
  /** What the fallback is named in events. Default `'fallback'`. */
  readonly name?: string | undefined;
  /** Is told of every fallback, see {@link FallbackEvent}. Default: nobody. */
  readonly observer?: Observer<FallbackEvent> | undefined;
}

/** A call has failed with `error`, and the fallback takes its place. */
export type FallbackUsed = { readonly type: 'fallback.used'; readonly name: string; readonly error: unknown };

/** The fallback for `error` has itself failed, with `fault`, which is what the call rejects with. */
export type FallbackFailed = {
  readonly type: 'fallback.failed';
  readonly name: string;
  readonly error: unknown;
  readonly fault: unknown;
};

/** What the observer of a fallback is told; a `guard.fault` is a `when` that has thrown. */
export type FallbackEvent = FallbackUsed | FallbackFailed | GuardFault;

/** Makes what takes the place of a result, from the error that stands in its way. The call has the caller's signal. */
export type FallbackFunction<Value> = (error: unknown, call: Call) => Value | PromiseLike<Value>;

/** A policy that may answer with a value of its own, see {@link fallback}. */
export interface FallbackPolicy<Value> extends Policy {
  /** Calls `fn`; gives what it returned, or else the fallback. */
  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result | Value>;
  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result>;
  /** Makes a function that has this fallback each time it is called. */
  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result | Value>;
  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result>;
}

class Fallback {
  private readonly make: FallbackFunction<unknown>;
  private readonly when: ErrorTest | undefined;
  private readonly name: string;
  private readonly observer: Observer<FallbackEvent> | undefined;

  constructor(make: FallbackFunction<unknown>, { when, name = 'fallback', observer }: FallbackOptions) {
    this.make = make;
    this.when = checkFunction('when', when);
    this.name = checkText('name', name);
    this.observer = checkFunction('observer', observer);
  }

  execute(fn: (call: Call) => unknown, options?: ExecuteOptions): Promise<unknown> {
    const call = callOf(options);
    return startNow(fn, call).then(undefined, (error: unknown) => {
      // Whoever has left waits for no fallback either.
      if (abortableSignalOf(call)?.aborted === true || !this.isMeant(error)) throw error;
      return this.rescue(error, call);
    });
  }

  wrap<Args extends readonly unknown[]>(
    fn: (call: Call, ...args: Args) => unknown,
  ): (...args: Args) => Promise<unknown> {
    return wrapWith(this as Pick<Policy, 'execute'>, fn);
  }

  private isMeant(error: unknown): boolean {
    try {
      return this.when === undefined || this.when(error);
    } catch (fault) {
      notify(this.observer, { type: 'guard.fault', name: this.name, fault });
      return false;
    }
  }

  private rescue(error: unknown, call: Call): Promise<unknown> {
    const { name, observer } = this;
    notify(observer, { type: 'fallback.used', name, error });
    return startNow(() => this.make(error, call), call).then(undefined, (fault: unknown) => {
      notify(observer, { type: 'fallback.failed', name, error, fault });
      throw fault;
    });
  }
}

/**
 * Answers with something else when a call fails: a value, or what a function makes of the error, such as the last good
 * answer from a cache, or a better error. Where the caller has left (its signal has aborted) there is none.
 *
 * It hides failures from whatever stands outside of it, so put it outermost: `compose(fallback([]), retry, breaker)`.
 *
 * @param otherwise the value, or a function of the error and the call; what that throws is what the call rejects with.
 * @param options.when for which errors. Default all; one that throws counts as no, and is observed.
 * @param options.observer is told of every fallback. Default nobody.
 * @returns a policy; in `compose`, whose result is a plain `Policy`, its value no longer shows in the types.
 * @throws {TypeError} when an option is wrong.
 * @example
 * await fallback('from the cache').execute(() => Promise.reject(new Error('503'))) // => 'from the cache'
 */
export function fallback<Value>(
  otherwise: Value | FallbackFunction<Value>,
  options: FallbackOptions = {},
): FallbackPolicy<Value> {
  const make = typeof otherwise === 'function' ? (otherwise as FallbackFunction<Value>) : (): Value => otherwise;
  return new Fallback(make, options) as Policy;
}
