import type { Policy } from './policy.ts';

/** Policies one inside the other, the outermost first; `undefined` of none. */
export function nested(policies: readonly Policy[]): Policy['execute'] | undefined {
  return policies.reduceRight<Policy['execute'] | undefined>(
    (inner, outer) => (fn, options) => outer.execute(inner === undefined ? fn : (call) => inner(fn, call), options),
    undefined,
  );
}

/** Checks that each is a policy, as they enter. */
export function checkPolicies(policies: readonly Policy[]): void {
  policies.forEach((policy, index) => {
    if (typeof policy?.execute === 'function') return;
    throw new TypeError(`Expected policy ${index + 1} to have an execute function, got ${typeof policy}`);
  });
}
