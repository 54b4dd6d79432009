/**
 * A machine that stops at every single change of its disk: before and after each write, each sync, each change of a name,
 * once by the death of the process and once by the power. Each time another process takes over, and every invariant must
 * hold to the end.
 */
import { seededRandom } from '../../ports/random.ts';
import { Clients } from './clients.ts';
import { People } from './people.ts';
import type { SagaShape } from './shape.ts';
import type { DiskWatch } from './simulated-disk.ts';
import { drawPlan, type Swarm, swarmOf } from './swarm.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

/** What is going on while the machine stops. */
export interface CrashScenario {
  readonly name: string;
  readonly shapes: readonly SagaShape[];
  /** How many sagas are started, half a second apart. */
  readonly sagas: number;
  readonly cancelRatio?: number;
  readonly rates?: Swarm['rates'];
  readonly journal?: Swarm['options']['journal'];
  /** Whether the coordinator is closed and opened once in the middle. */
  readonly redeploys?: boolean;
  /** Whether the disk is full for a while. */
  readonly fills?: boolean;
}

/** A place where a machine can stop. */
export interface CrashPlace {
  /** Which change of the disk, from 1. */
  readonly boundary: number;
  readonly power: boolean;
}

/** What came of stopping at one place. */
export interface CrashOutcome {
  /** How many changes of the disk there were, both sides counted. */
  readonly boundaries: number;
  readonly violation: Violation | undefined;
  readonly completed: number;
}

function swarmFor({ shapes, rates = {}, cancelRatio = 0, journal = {} }: CrashScenario): Swarm {
  const seed = seededRandom(1);
  const quiet = drawPlan(seed, 'calm');
  const load = { ...quiet.load, twiceRatio: 0.3, cancelRatio, terminateRatio: 0, readRatio: 0, payloadBytes: 20 };
  return swarmOf(seed, {
    shapes,
    rates,
    load: { ...load, attentionMs: 60_000 },
    options: {
      journal: { segmentBytes: 8192, snapshotEvery: 3, ...journal },
      tempo: { concurrency: 4, crashLimit: Infinity, realertAfter: '1h' },
    },
  });
}

/** Counts changes, and stops the machine at one of them. */
function watchFor(world: World, place: CrashPlace | undefined, count: () => number): DiskWatch {
  return () => {
    if (count() !== place?.boundary) return;
    world.end(world.process, { power: place.power, downMs: 100 });
  };
}

/**
 * Runs a scenario, and stops its machine at one place.
 *
 * @param place where; `undefined`: nowhere, to learn how many places there are.
 */
export async function runCrashScenario(scenario: CrashScenario, place?: CrashPlace): Promise<CrashOutcome> {
  const world = new World(1, swarmFor(scenario));
  let boundaries = 0;
  world.disk.watch = watchFor(world, place, () => ++boundaries);
  const { kernel, faults } = world;
  const clients = new Clients(world);
  new People(world).begin();
  let violation: Violation | undefined;
  const stop = (error: unknown): void => kernel.fail(error);
  process.on('unhandledRejection', stop);
  try {
    faults.active = true;
    world.boot();
    for (let number = 0; number < scenario.sagas; number++)
      kernel.after(500 * number, 'arrival', () => clients.arrive());
    if (scenario.fills === true) fillDisk(world);
    if (scenario.redeploys === true) kernel.after(700, 'deploy', () => void world.redeploy().catch(stop));
    await kernel.run(10_000);
    faults.active = false;
    await world.settle(3_600_000);
    await world.lookBack();
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('no error is left unhandled', String(error));
  } finally {
    process.off('unhandledRejection', stop);
    world.process?.die();
  }
  return { boundaries, violation, completed: world.judge.counts.completed };
}

function fillDisk(world: World): void {
  const set = (full: boolean) => (): void => {
    world.disk.full = full;
  };
  world.kernel.after(600, 'full', set(true));
  world.kernel.after(5000, 'space', set(false));
}
