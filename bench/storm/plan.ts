/** The storms that the bench makes. */
import type { Hearing } from './server.ts';
import type { StormPlan } from './simulate.ts';

/** 1,000 calls a second to a server that can do 1,200, and a tenth of that for twenty seconds. */
export const bigStorm: Omit<StormPlan, 'hearing' | 'processes'> = {
  seed: 7,
  offered: 1000,
  capacity: 1200,
  brownOutShare: 0.1,
  fromSecond: 10,
  toSecond: 30,
  seconds: 60,
  patienceMs: 1000,
};

/** One row of the bench. */
export interface StormCase {
  readonly system: string;
  readonly hearing: Hearing;
  readonly processes: number;
}

export function titleOf({ system, processes }: StormCase): string {
  return processes === 1 ? system : `${system}, ${processes} processes`;
}
