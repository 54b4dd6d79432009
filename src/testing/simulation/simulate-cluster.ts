import { seededRandom } from '../../ports/random.ts';
import type { Chronicle } from './chronicle.ts';
import { Clients } from './clients.ts';
import { beginClusterCalamities } from './cluster-calamities.ts';
import { drawClusterSwarm } from './cluster-swarm.ts';
import { ClusterWorld, type OpenNodeJournal } from './cluster-world.ts';
import type { Struck } from './faults.ts';
import type { Counts } from './judge.ts';
import { People } from './people.ts';
import { type InvariantName, Violation } from './violation.ts';

/** What is to be simulated. */
export interface ClusterSimulationOptions {
  /** Makes everything: the same seed gives the same run to the bit. */
  readonly seed: number;
  /** Opens the journal of a node. */
  readonly openJournal: OpenNodeJournal;
  /** How long sagas come and faults strike, in simulated hours. Default 0.1. */
  readonly hours?: number;
  /** Whether nothing goes wrong. Default false. */
  readonly calm?: boolean;
  /** Only these faults strike. Default: those that the seed draws. */
  readonly faults?: readonly Struck[];
  readonly chronicle?: Chronicle;
}

/** What came of it. */
export interface ClusterReport {
  readonly seed: number;
  readonly nodes: number;
  readonly violation?: {
    readonly invariant: InvariantName;
    readonly message: string;
    readonly sagaId: string | undefined;
  };
  readonly traceHash: string;
  readonly events: number;
  readonly elapsedMs: number;
  readonly counts: Counts;
  /** How many answers to clients were judged as part of a history. */
  readonly judged: number;
  readonly struck: readonly Struck[];
}

const warmUpMs = 30_000;
const settleMs = 2 * 3_600_000;
const hourMs = 3_600_000;

async function live(world: ClusterWorld, hours: number): Promise<void> {
  const { faults, kernel } = world;
  const clients = new Clients(world);
  const people = new People(world);
  for (const place of world.places)
    kernel.after(world.random.split(`boot ${place.number}`)() * 2000, 'boot', () => world.boot(place));
  clients.begin();
  people.begin();
  beginClusterCalamities(world);
  await kernel.run(warmUpMs);
  faults.active = true;
  await kernel.run(warmUpMs + hours * hourMs);
  faults.active = false;
  clients.stop();
  world.participants.beAway(0);
  await settle(world);
  world.checkOwners();
  world.history.judge();
}

/** Every saga that was accepted ends, or waits for a person. */
async function settle({ kernel, judge }: ClusterWorld): Promise<void> {
  const from = kernel.now;
  for (let left = settleMs; left > 0; left -= settleMs / 24) {
    await kernel.run(kernel.now + settleMs / 24);
    if (judge.unsettled() === undefined) return;
  }
  const track = judge.unsettled();
  if (track?.state === undefined) return;
  const steps = track.state.steps.map(({ name, status }) => `${name} ${status}`).join(', ');
  const held = `it is ${track.state.status} ${kernel.now - from} ms after all faults ended: ${steps}`;
  throw new Violation('L1 every saga ends or waits for a person', held, track.id);
}

/**
 * Runs several real coordinators over one modelled store and checks the invariants all the way.
 *
 * @returns what happened, and the first invariant that did not hold, if any.
 */
export async function simulateCluster(options: ClusterSimulationOptions): Promise<ClusterReport> {
  const { seed, hours = 0.1, calm = false } = options;
  const swarm = drawClusterSwarm(seededRandom(seed), calm);
  const world = new ClusterWorld(seed, swarm, options.openJournal, options.faults);
  const { kernel, faults, judge, history } = world;
  kernel.chronicle = options.chronicle;
  let found: Violation | undefined;
  const stop = (error: unknown): void => kernel.fail(error);
  process.on('unhandledRejection', stop);
  try {
    await live(world, hours);
  } catch (error) {
    const text = String((error as Error)?.stack ?? error);
    found =
      error instanceof Violation
        ? error
        : new Violation('no error is left unhandled', text, undefined, { cause: error });
  } finally {
    process.off('unhandledRejection', stop);
    for (const place of world.places) place.process?.die();
  }
  return {
    seed,
    nodes: swarm.nodes,
    ...(found === undefined
      ? {}
      : { violation: { invariant: found.invariant, message: found.message, sagaId: found.sagaId } }),
    traceHash: kernel.trace.text,
    events: kernel.events,
    elapsedMs: kernel.now,
    counts: judge.counts,
    judged: history.judged,
    struck: faults.struck,
  };
}
