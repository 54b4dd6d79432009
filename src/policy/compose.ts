import type { AdmissionGuard } from './admission.ts';
import { fused } from './admission-chain.ts';
import { callOf } from './call.ts';
import { checkPolicies, nested } from './nested.ts';
import { type Policy, wrapWith } from './policy.ts';

/**
 * Makes one policy of several, the outermost first: `compose(retry, breaker)` asks the breaker before every attempt,
 * `compose(breaker, retry)` shows the breaker only how the whole call ended.
 *
 * Guards that only admit calls (breaker, bulkhead, limiters) and stand side by side are asked in one pass; made of
 * nothing but such guards, the whole is an {@link AdmissionGuard} again.
 *
 * @returns a policy; of none at all, one that just calls the function.
 * @throws {TypeError} when one of them is no policy.
 * @example
 * await compose().execute(({ signal }) => signal.aborted) // => false
 */
export function compose(first: AdmissionGuard, ...more: readonly AdmissionGuard[]): AdmissionGuard;
export function compose(...policies: readonly Policy[]): Policy;
export function compose(...policies: readonly Policy[]): Policy {
  checkPolicies(policies);
  const layers = fused(policies);
  const [only] = layers;
  if (only !== undefined && layers.length === 1) return only;
  const composed: Policy = { execute: nested(layers) ?? callThrough, wrap: (fn) => wrapWith(composed, fn) };
  return composed;
}

const callThrough: Policy['execute'] = async (fn, options) => fn(callOf(options));
