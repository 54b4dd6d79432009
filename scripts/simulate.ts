/**
 * Simulates world after world and says what was simulated and what was violated: `npm run simulate -- --minutes 10`.
 *
 *   --minutes N       so much processor time. Default 1
 *   --from N          the first seed. Default 1; the profiles take turns
 *   --hours N         simulated hours a world. Default 0.5
 *   --clusters       several coordinators over a modelled store, instead of one on its own disk
 *   --guards         callers behind guards, instead of coordinators
 *   --crash-points    stop the machine at every change of its disk, in twelve scenarios, instead
 *   --every N         only at every n-th of them. Default 1
 *   --mutants         plant known bugs in a copy of the sources and show that each is found, instead
 *   --only WORDS      only mutants, or scenarios, whose name holds these words
 */
import { parseArgs } from 'node:util';
import { simulateCallers, simulateClusters } from './simulate/other-worlds.ts';
import { stopEverywhere } from './simulate/crash-points.ts';
import { plantMutants } from './simulate/mutants.ts';
import { simulateWorlds } from './simulate/worlds.ts';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      from: { type: 'string', default: '1' },
      hours: { type: 'string', default: '0.5' },
      every: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      'crash-points': { type: 'boolean', default: false },
      clusters: { type: 'boolean', default: false },
      guards: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return plantMutants(values.only);
  if (values['crash-points']) return stopEverywhere(Number(values.every), values.only);
  const effort = { minutes: Number(values.minutes), from: Number(values.from), hours: Number(values.hours) };
  if (values.clusters) return simulateClusters(effort);
  return values.guards ? simulateCallers(effort) : simulateWorlds(effort);
}

process.exitCode = await main();
