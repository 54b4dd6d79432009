import type { Call, ExecuteOptions } from './call.ts';

/**
 * Runs a function in some protective way: again when it failed, not at all while its callee is down, not too often.
 *
 * An implementer keeps: what the function returns or throws passes through untouched, or the policy's own coded error
 * takes its place, with the function's as its cause; a policy that refuses rejects without calling the function; the
 * function is handed `callOf(options)`, or a call whose signal aborts no later; `options.signal` is read only when
 * needed, since reading it may make it.
 */
export interface Policy {
  /**
   * Runs `fn` once under this policy.
   *
   * @param fn is handed the call; its `signal` aborts when the result is no longer wanted.
   * @returns what `fn` returned.
   */
  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result>;

  /**
   * Makes a function that runs `fn` under this policy each time it is called. `fn` is handed the call before the
   * arguments, so that it has the signal.
   */
  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result>;
}

/**
 * {@link Policy.wrap} for a policy of your own: all it takes is `execute`.
 *
 * @example
 * await wrapWith(compose(), async (_call, name: string) => `hello ${name}`)('Ada') // => 'hello Ada'
 */
export function wrapWith<Args extends readonly unknown[], Result>(
  policy: Pick<Policy, 'execute'>,
  fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
): (...args: Args) => Promise<Result> {
  return (...args) => policy.execute((call) => fn(call, ...args));
}
