import { type AdmissionGuard, isAdmissionGuard } from './admission.ts';
import { AdmissionChain } from './admission-chain.ts';
import { callOf } from './call.ts';
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
  policies.forEach(checkPolicy);
  return fused(policies).reduceRight<Policy | undefined>(nest, undefined) ?? policyOf(callThrough);
}

function nest(inner: Policy | undefined, outer: Policy): Policy {
  return inner === undefined
    ? outer
    : policyOf((fn, options) => outer.execute((call) => inner.execute(fn, call), options));
}

function policyOf(execute: Policy['execute']): Policy {
  const policy: Policy = { execute, wrap: (fn) => wrapWith(policy, fn) };
  return policy;
}

const callThrough: Policy['execute'] = async (fn, options) => fn(callOf(options));

/** The same policies, with each run of admission guards made one. */
function fused(policies: readonly Policy[]): readonly Policy[] {
  const layers: Policy[] = [];
  for (const policy of policies) {
    const before = layers.at(-1);
    if (before === undefined || !isAdmissionGuard(before) || !isAdmissionGuard(policy)) layers.push(policy);
    else layers[layers.length - 1] = new AdmissionChain([...linksOf(before), ...linksOf(policy)]);
  }
  return layers;
}

function linksOf(guard: AdmissionGuard): readonly [AdmissionGuard, ...AdmissionGuard[]] {
  return guard instanceof AdmissionChain ? guard.guards : [guard];
}

function checkPolicy(policy: Policy, index: number): void {
  if (typeof policy?.execute === 'function') return;
  throw new TypeError(`Expected policy ${index + 1} to have an execute function, got ${typeof policy}`);
}
