import { type Call, callOf, type ExecuteOptions } from './call.ts';

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

/**
 * Makes one policy of several, the outermost first: `compose(retry, breaker)` asks the breaker before every attempt,
 * `compose(breaker, retry)` shows the breaker only how the whole call ended.
 *
 * @returns a policy; of none at all, one that just calls the function.
 * @throws {TypeError} when one of them is no policy.
 * @example
 * await compose().execute(({ signal }) => signal.aborted) // => false
 */
export function compose(...policies: readonly Policy[]): Policy {
  policies.forEach(checkPolicy);
  const [outer, ...inner] = policies;
  if (outer !== undefined && inner.length === 0) return outer;
  const execute = outer === undefined ? callThrough : nest(outer, compose(...inner));
  const composed: Policy = { execute, wrap: (fn) => wrapWith(composed, fn) };
  return composed;
}

function nest(outer: Policy, inner: Policy): Policy['execute'] {
  return (fn, options) => outer.execute((call) => inner.execute(fn, call), options);
}

const callThrough: Policy['execute'] = async (fn, options) => fn(callOf(options));

function checkPolicy(policy: Policy, index: number): void {
  if (typeof policy?.execute === 'function') return;
  throw new TypeError(`Expected policy ${index + 1} to have an execute function, got ${typeof policy}`);
}
