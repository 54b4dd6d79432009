import type { SeededRandom } from '../../ports/random.ts';
import { faultClasses, type FaultRates } from './faults.ts';
import { pick } from './shape.ts';
import { drawPlan, type Swarm, swarmOf } from './swarm.ts';

/** How the nodes of a cluster are set. */
export interface NodeSettings {
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly appendConnections: number;
  readonly maxBatchAppends: number;
}

/** What a seed makes of a cluster. */
export interface ClusterSwarm extends Swarm {
  readonly nodes: number;
  readonly shards: number;
  /** Whether a node has its name again after a restart. */
  readonly keepsNames: boolean;
  readonly settings: NodeSettings;
}

/** Which faults a cluster may have: none of a disk of its own, those of the shared store. */
const ofClusters = faultClasses.filter(
  (kind) => !/^(?:disk|sync|read|short|checkpoint|rival|power)/.test(kind) && kind !== 'deaf-handler',
);

/** Draws the kind of cluster that a seed makes; `calm`: one that nothing befalls. */
export function drawClusterSwarm(seed: SeededRandom, calm: boolean): ClusterSwarm {
  const swarm = swarmOf(seed, drawPlan(seed, 'all'));
  const random = seed.split('cluster');
  const rates: FaultRates = Object.fromEntries(
    Object.entries(swarm.rates).filter(([kind]) => !calm && (ofClusters as readonly string[]).includes(kind)),
  );
  return {
    ...swarm,
    rates,
    nodes: 1 + Math.floor(random() * 5),
    shards: pick(random, [1, 4, 8]),
    keepsNames: random() < 0.5,
    settings: {
      leaseMs: pick(random, [1000, 3000, 10_000]),
      pollMs: pick(random, [50, 200, 1000]),
      appendConnections: pick(random, [1, 1, 2]),
      maxBatchAppends: pick(random, [1, 4, 1024]),
    },
  };
}
