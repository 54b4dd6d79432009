import { seededRandom } from '../../src/ports/random.ts';
import { audit, unfinishedOf } from './audit.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { faults, type FaultWorld, healAll, wireFaults } from './faults.ts';
import type { OrderKind } from './messages.ts';

/** How long, how many, and by which chance. */
export interface FaultPlan {
  readonly seconds: number;
  readonly nodes: number;
  readonly leaseMs: number;
  readonly sagasPerSecond: number;
  readonly seed: number;
  /** Only faults whose name holds these words. Default all. */
  readonly only?: string;
}

/** What came of it. */
export interface FaultReport {
  readonly faults: Readonly<Record<string, number>>;
  readonly started: number;
  readonly accepted: number;
  readonly staleCalls: number;
  readonly takeOversMs: readonly number[];
  /** From the last fault until everything had ended, ms. */
  readonly settledMs: number;
  readonly stuck: readonly string[];
  readonly violations: readonly string[];
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** So long nothing may end before what is left is stuck. */
const stillForMs = 60_000;
/** More than these have not ended: on a machine that is too slow for the rate, faults would only be seen by a queue. */
const mostUnfinished = 300;

/** Starts sagas at whatever node is there, and again elsewhere when no answer came. */
async function load(
  cluster: Cluster,
  plan: FaultPlan,
  started: Map<string, OrderKind>,
  signal: AbortSignal,
): Promise<void> {
  const random = seededRandom(plan.seed).split('load');
  const pauseMs = 1000 / plan.sagasPerSecond;
  for (let number = 0; !signal.aborted; number++) {
    const id = `order-${number}`;
    started.set(id, random() < 0.25 ? 'refused' : 'good');
    if (number % 20 === 0) await roomFor(cluster, signal);
    const again = [id, ...(number % 20 === 0 ? unanswered(started, cluster.accepted) : [])];
    for (const each of again) {
      const node = cluster.nodes[Math.floor(random() * cluster.nodes.length)];
      if (node?.isReady === true) cluster.start(node, each, started.get(each) as OrderKind);
    }
    await sleep(pauseMs);
  }
}

/** Waits while too many have not ended; none where the server cannot say. */
async function roomFor(cluster: Cluster, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const unfinished = await unfinishedOf(cluster.observer).catch(() => []);
    if (unfinished.length <= mostUnfinished) return;
    await sleep(500);
  }
}

function unanswered(started: ReadonlyMap<string, OrderKind>, accepted: ReadonlySet<string>): readonly string[] {
  return [...started.keys()].filter((id) => !accepted.has(id)).slice(0, 50);
}

async function settle(cluster: Cluster): Promise<{ readonly settledMs: number; readonly stuck: readonly string[] }> {
  const startMs = performance.now();
  let [least, movedMs] = [Infinity, startMs];
  for (;;) {
    const stuck = await unfinishedOf(cluster.observer).catch(() => ['the server does not answer']);
    const nowMs = performance.now();
    if (stuck.length < least) [least, movedMs] = [stuck.length, nowMs];
    if (stuck.length === 0 || nowMs - movedMs > stillForMs) return { settledMs: nowMs - startMs, stuck };
    await sleep(100);
  }
}

/** Runs nodes, sagas and faults for a while, heals everything, waits, and audits what there is. */
export async function runFaults(
  plan: FaultPlan,
  onFault: (name: string) => void = () => undefined,
): Promise<FaultReport> {
  await using cluster = await openCluster(plan);
  const random = seededRandom(plan.seed).split('faults');
  const world: FaultWorld = { cluster, leaseMs: plan.leaseMs, random, takeOversMs: [] };
  const possible = { ...faults, ...(cluster.nodes.every(({ wire }) => wire.toxic !== undefined) && wireFaults) };
  const chosen = Object.entries(possible).filter(([name]) => name.includes(plan.only ?? ''));
  const counts: Record<string, number> = {};
  while (!cluster.nodes.every(({ isReady }) => isReady)) await sleep(50);
  const started = new Map<string, OrderKind>();
  const stop = new AbortController();
  const loading = load(cluster, plan, started, stop.signal);
  const endMs = performance.now() + plan.seconds * 1000;
  for (let turn = 0; performance.now() < endMs; turn++) {
    // Each kind once, and then by chance.
    const [name = '', fault] = chosen[turn < chosen.length ? turn : Math.floor(random() * chosen.length)] ?? [];
    onFault(name);
    await fault?.(world).catch(() => undefined);
    counts[name] = (counts[name] ?? 0) + 1;
    await sleep(200 + 800 * random());
  }
  stop.abort();
  await healAll(cluster);
  await loading;
  const { settledMs, stuck } = await settle(cluster);
  const violations = stuck.length > 0 ? [] : await audit(cluster.observer, started, cluster.accepted);
  const { accepted, staleCalls } = cluster;
  const { takeOversMs } = world;
  const tallies = { started: started.size, accepted: accepted.size, staleCalls: staleCalls() };
  return { faults: counts, ...tallies, takeOversMs, settledMs, stuck, violations };
}
