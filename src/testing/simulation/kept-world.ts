/** A run as it is kept in a file: everything that it was made of, so that it repeats whatever later versions draw. */
import type { SimulationOptions, SimulationReport } from './simulate.ts';
import type { ProfileName, WorldPlan } from './swarm.ts';
import type { InvariantName } from './violation.ts';

/** A run, and what it found. */
export interface KeptWorld extends SimulationOptions {
  readonly hours: number;
  readonly profile: ProfileName;
  readonly plan: WorldPlan;
  /** The invariant that did not hold. */
  readonly found: InvariantName | undefined;
  /** Of the run that found it, in the version that it was found in; absent where nobody knows it any more. */
  readonly traceHash?: string;
}

// JSON has no infinity, and several options are unlimited.
const unlimited = 'Infinity';

/** A run as text. */
export function writeKept({ seed, hours, profile, plan, struck, violation, traceHash }: SimulationReport): string {
  const kept: KeptWorld = { seed, hours, profile, found: violation?.invariant, traceHash, faults: struck, plan };
  return `${JSON.stringify(kept, (_, value: unknown) => (value === Infinity ? unlimited : value))}\n`;
}

/** Reads it back. */
export function readKept(text: string): KeptWorld {
  return JSON.parse(text, (_, value: unknown) => (value === unlimited ? Infinity : value)) as KeptWorld;
}
