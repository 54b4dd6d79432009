import { latencyNs } from './digits.ts';
import type { Facts } from './facts.ts';

const closed = {
  partition: ['cp', 'ap', 'cp-ap-fallback'],
  semantics: ['idempotent', 'causal', 'total-order'],
  irreversible: ['none', 'behind-pivot', 'without-pivot'],
  valueAtRisk: ['low', 'high'],
} as const;
const latencies = ['participantP99', 'quorumP99', 'fsyncP99'] as const;
const known = new Set(['sla', ...Object.keys(closed), 'conflictRate', ...latencies, 'steps']);
const required = new Set(['partition', 'semantics']);

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/**
 * Checks facts that came from plain JavaScript, JSON or YAML; the SLA is read by its own grammar.
 *
 * @throws {TypeError} or {RangeError} naming the fact, what is expected, and what was given.
 */
export function checkFacts(given: unknown): Facts {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`Expected facts to be an object, got ${show(given)}`);
  const facts = given as Record<string, unknown>;
  const strange = Object.keys(facts).find((name) => !known.has(name));
  if (strange !== undefined)
    throw new TypeError(`Expected facts to be among ${[...known].join(', ')}, got ${show(strange)}`);
  for (const [name, allowed] of Object.entries(closed)) {
    const value = facts[name];
    if (value === undefined && !required.has(name)) continue;
    if (!(allowed as readonly unknown[]).includes(value))
      throw new TypeError(`Expected ${name} to be one of ${allowed.join(', ')}, got ${show(value)}`);
  }
  for (const name of latencies) if (facts[name] !== undefined) latencyNs(facts[name] as string | number, name);
  const { conflictRate = 0, steps = 1 } = facts;
  if (typeof conflictRate !== 'number' || !(conflictRate >= 0 && conflictRate <= 1))
    throw new RangeError(`Expected conflictRate to be a number from 0 to 1, got ${show(conflictRate)}`);
  if (!Number.isSafeInteger(steps) || (steps as number) < 1)
    throw new RangeError(`Expected steps to be an integer ≥ 1, got ${show(steps)}`);
  return facts as unknown as Facts;
}
