import type { Toxic } from '../services/toxiproxy.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import { schema } from './cluster.ts';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a fault has to do with, and where it notes what it saw. */
export interface FaultWorld {
  readonly cluster: Cluster;
  readonly leaseMs: number;
  readonly random: () => number;
  /** From the death of a node to the moment when all its shards had another owner, ms. */
  readonly takeOversMs: number[];
}

function oneOf<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/** How many shards a node owns that is named so; 0 also when it is not known any more. */
async function shardsOf({ observer }: Cluster, name: string): Promise<number> {
  const text = `SELECT count(*)::integer AS count FROM ${schema}.shard s JOIN ${schema}.node n ON n.id = s.owner WHERE n.name = $1`;
  const { rows } = await observer.query(text, [name]);
  return (rows[0] as { count: number }).count;
}

async function orphans({ observer }: Cluster): Promise<number> {
  const { rows } = await observer.query(`SELECT count(*)::integer AS count FROM ${schema}.shard s
    WHERE NOT EXISTS (SELECT FROM ${schema}.node n WHERE n.id = s.owner)`);
  return (rows[0] as { count: number }).count;
}

async function takenOver(world: FaultWorld, { name }: ClusterNode): Promise<void> {
  const { cluster, leaseMs, takeOversMs } = world;
  const startMs = performance.now();
  while ((await shardsOf(cluster, name)) > 0 || (await orphans(cluster)) > 0) {
    if (performance.now() - startMs > 5 * leaseMs) break;
    await sleep(20);
  }
  takeOversMs.push(performance.now() - startMs);
}

/** The faults, by name. Each is over when its promise resolves. */
export const faults: Readonly<Record<string, (world: FaultWorld) => Promise<void>>> = {
  'kill -9 of a node': async (world) => {
    const node = oneOf(world.cluster.nodes, world.random);
    const owned = await shardsOf(world.cluster, node.name);
    await node.kill();
    if (owned > 0) await takenOver(world, node);
    node.start();
  },
  'kill -9 of a node that is back at once': async ({ cluster, random }) => {
    const node = oneOf(cluster.nodes, random);
    await node.kill();
    node.start();
  },
  'a node is stopped for longer than its lease': async ({ cluster, leaseMs, random }) => {
    const node = oneOf(cluster.nodes, random);
    node.signal('SIGSTOP');
    await sleep(leaseMs * (1.2 + random()));
    node.signal('SIGCONT');
  },
  'a node is stopped for less than its lease': async ({ cluster, leaseMs, random }) => {
    const node = oneOf(cluster.nodes, random);
    node.signal('SIGSTOP');
    await sleep(leaseMs * 0.7 * random());
    node.signal('SIGCONT');
  },
  'a wire that hangs': async ({ cluster, leaseMs, random }) => {
    const node = oneOf(cluster.nodes, random);
    node.wire.proxy.hang(true);
    await sleep(leaseMs * (0.5 + 1.5 * random()));
    node.wire.proxy.hang(false);
  },
  'answers to commits that are lost': async ({ cluster, random }) => {
    for (const node of cluster.nodes) node.wire.proxy.cutAnswersTo('append_1', Math.ceil(5 * random()));
    await sleep(500);
  },
  'backends that are terminated': async ({ cluster, random }) => {
    const text = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1';
    await cluster.observer.query(text, [oneOf(cluster.nodes, random).name]);
  },
  'the server stops immediately': async ({ cluster }) => {
    // What pg_ctl stop -m immediate sends: no checkpoint, recovery at the next start.
    cluster.postgres.signal('SIGQUIT');
    await sleep(300);
    await cluster.postgres.restart();
  },
};

/** Lets one node's wire suffer for a while, in one direction or the other. */
async function suffer({ cluster, leaseMs, random }: FaultWorld, toxic: Toxic): Promise<void> {
  const { toxic: wire } = oneOf(cluster.nodes, random).wire;
  try {
    await wire?.suffer(toxic, random() < 0.5 ? 'upstream' : 'downstream');
    await sleep(leaseMs * (0.5 + random()));
  } finally {
    await wire?.heal();
  }
}

/** Ends whatever a fault that failed halfway has left behind. */
export async function healAll({ nodes }: Cluster): Promise<void> {
  for (const node of nodes) {
    node.signal('SIGCONT');
    node.wire.proxy.hang(false);
    await node.wire.toxic?.heal();
  }
}

/** The faults that need Toxiproxy. */
export const wireFaults: typeof faults = {
  'a wire that is slow to answer, by 100 to 300 ms': (world) =>
    suffer(world, { type: 'latency', attributes: { latency: 200, jitter: 100 } }),
  'a wire of 20 kB a second': (world) => suffer(world, { type: 'bandwidth', attributes: { rate: 20 } }),
  'a wire that passes some bytes at a time': (world) =>
    suffer(world, { type: 'slicer', attributes: { average_size: 64, size_variation: 32, delay: 200 } }),
  'a wire that swallows everything in one direction': (world) =>
    suffer(world, { type: 'timeout', attributes: { timeout: 0 } }),
  'connections that are reset': (world) => suffer(world, { type: 'reset_peer', attributes: { timeout: 20 } }),
  'a node that cannot reach the server': async ({ cluster, leaseMs, random }) => {
    const { toxic } = oneOf(cluster.nodes, random).wire;
    await toxic?.cut();
    await sleep(leaseMs * (0.5 + 1.5 * random()));
    await toxic?.heal();
  },
};
