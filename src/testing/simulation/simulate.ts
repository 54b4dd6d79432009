import type { Chronicle } from './chronicle.ts';
import { Clients } from './clients.ts';
import { beginCalamities } from './calamities.ts';
import type { FaultClass, Struck } from './faults.ts';
import type { Counts } from './judge.ts';
import { People } from './people.ts';
import { seededRandom } from '../../ports/random.ts';
import { drawPlan, type ProfileName, swarmOf, type WorldPlan } from './swarm.ts';
import { type InvariantName, Violation } from './violation.ts';
import { World } from './world.ts';

/** What is to be simulated. */
export interface SimulationOptions {
  /** Makes everything: the same seed gives the same run to the bit. */
  readonly seed: number;
  /** How long sagas come and faults strike, in simulated hours. Default 1. */
  readonly hours?: number;
  /** Which faults there may be. Default `'all'`. */
  readonly profile?: ProfileName;
  /** The kind of world. Default: what the seed and the profile draw. */
  readonly plan?: WorldPlan | undefined;
  /** Only these faults strike, of those that did in a run of the same seed. Default: those that the seed draws. */
  readonly faults?: readonly Struck[];
  /** Where to tell what happens. Default nowhere. */
  readonly chronicle?: Chronicle;
}

/** What came of a simulation. */
export interface SimulationReport {
  readonly seed: number;
  readonly hours: number;
  readonly profile: ProfileName;
  readonly plan: WorldPlan;
  /** The first invariant that did not hold; absent when all did. */
  readonly violation?: {
    readonly invariant: InvariantName;
    readonly message: string;
    readonly sagaId: string | undefined;
    /** The world's time, in ms. */
    readonly at: number;
    readonly error: unknown;
  };
  /** Of all that happened. Two runs of one seed have the same. */
  readonly traceHash: string;
  readonly events: number;
  /** Simulated time in all, the settling included, in ms. */
  readonly elapsedMs: number;
  readonly counts: Counts;
  /** Every fault that struck, in order. */
  readonly struck: readonly Struck[];
  readonly faultsByClass: { readonly [Kind in FaultClass]?: number };
}

/** So long no fault strikes. */
export const warmUpMs = 60_000;
// Longer than the longest sleep, signal, settling time and backoff of a simulated saga together.
const settleMs = 2 * 3_600_000;
const hourMs = 3_600_000;

/** Runs one world from its beginning to its end: warm-up, faults, healing, settling, and a last look. */
async function live(world: World, hours: number): Promise<void> {
  const { faults, kernel } = world;
  const clients = new Clients(world);
  const people = new People(world);
  world.boot();
  clients.begin();
  people.begin();
  beginCalamities(world);
  await kernel.run(warmUpMs);
  faults.active = true;
  await kernel.run(warmUpMs + hours * hourMs);
  faults.active = false;
  world.heal();
  clients.stop();
  await world.settle(settleMs);
  await world.lookBack();
}

function countByClass(struck: readonly Struck[]): SimulationReport['faultsByClass'] {
  const counts: { [Kind in FaultClass]?: number } = {};
  for (const [kind] of struck) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/**
 * Runs the real coordinator in a simulated world and checks the invariants all the way.
 *
 * @param options.seed the run; the same gives the same to the bit.
 * @param options.hours how long faults strike. Default 1.
 * @param options.profile which faults there may be. Default `'all'`.
 * @returns what happened, and the first invariant that did not hold, if any.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, hours = 1, profile = 'all' } = options;
  const random = seededRandom(seed);
  const plan = options.plan ?? drawPlan(random, profile);
  const world = new World(seed, swarmOf(random, plan), options.faults);
  const { kernel, faults, judge } = world;
  kernel.chronicle = options.chronicle;
  let violation: SimulationReport['violation'];
  const stop = (error: unknown): void => kernel.fail(error);
  process.on('unhandledRejection', stop);
  const { stackTraceLimit } = Error;
  // Where an error was made is looked at when a run is drawn; making that out costs more than most events.
  if (options.chronicle === undefined) Error.stackTraceLimit = 0;
  try {
    await live(world, hours);
  } catch (error) {
    const found =
      error instanceof Violation
        ? error
        : new Violation('no error is left unhandled', String((error as Error)?.stack ?? error), undefined, {
            cause: error,
          });
    const { invariant, message, sagaId } = found;
    violation = { invariant, message, sagaId, at: kernel.now, error: found };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    process.off('unhandledRejection', stop);
    world.process?.die();
  }
  return {
    seed,
    hours,
    profile,
    plan,
    ...(violation === undefined ? {} : { violation }),
    traceHash: kernel.trace.text,
    events: kernel.events,
    elapsedMs: kernel.now,
    counts: judge.counts,
    struck: faults.struck,
    faultsByClass: countByClass(faults.struck),
  };
}
