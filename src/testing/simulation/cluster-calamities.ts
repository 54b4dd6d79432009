/** What befalls the nodes of a cluster by itself: deaths, stops, clocks that are set, cut lines, planned ends, a promotion. */
import type { SeededRandom } from '../../ports/random.ts';
import type { ClusterWorld, NodePlace } from './cluster-world.ts';
import { beginStrikes, type Strikes } from './strikes.ts';

type Strike = (world: ClusterWorld, place: NodePlace, random: SeededRandom) => void;

const strikes: Strikes<Strike> = {
  kill: (world, place, random) => world.kill(place, random() ** 3 * 60_000),
  pause: (_, { process }, random) => process?.stop(random() ** 2 * 30_000),
  'clock-step': (_, { process }, random) => process?.stepClock((random() - 0.5) * 10 ** (random() * 7)),
  outage: (world, _, random) => world.participants.beAway(random() ** 2 * 600_000),
  deploy: (world, place, random) => {
    world.replace(place, random() * 5000).catch((error: unknown) => world.kernel.fail(error));
  },
  'node-cut': (world, { process }, random) => {
    if (process !== undefined) world.server.cutOff(process, random() ** 2 * 60_000);
  },
  promotion: (world) => world.store.promote(),
};

/** Lets what befalls a cluster by itself come, each time to any node. */
export function beginClusterCalamities(world: ClusterWorld): void {
  beginStrikes(world, strikes, (strike, random) => {
    const place = world.places[Math.floor(random() * world.places.length)];
    if (place !== undefined) strike(world, place, random);
  });
}
