import type { ProfileName } from '../../src/testing/simulation/swarm.ts';

/** A bug as a replacement of one stretch of source, which must stand there exactly once. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Where it is looked for: in worlds of a profile, at crash points, or in clusters. */
  readonly profile: ProfileName | 'crash-points' | 'cluster';
}
