/** What befalls a machine and its processes by itself: deaths, stops, clocks that are set, a full disk, a deploy. */
import { isMakegoodError } from '../../errors.ts';
import { openWalJournal } from '../../journal/wal-journal.ts';
import type { SeededRandom } from '../../ports/random.ts';
import { ProcessFiles } from './process-files.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { beginStrikes, type Strikes } from './strikes.ts';
import { Violation } from './violation.ts';
import { journalFolder, type World } from './world.ts';

type Strike = (world: World, random: SeededRandom) => void;

const strikes: Strikes<Strike> = {
  kill: (world, random) => world.end(world.process, { power: false, downMs: random() ** 3 * 60_000 }),
  'power-cut': (world, random) => world.end(world.process, { power: true, downMs: random() ** 3 * 60_000 }),
  pause: (world, random) => world.process?.stop(random() ** 3 * 120_000),
  'clock-step': (world, random) => world.process?.stepClock((random() - 0.5) * 10 ** (random() * 7)),
  outage: (world, random) => world.participants.beAway(random() ** 2 * 600_000),
  'disk-full': (world, random) => {
    world.disk.full = true;
    world.kernel.after(random() ** 2 * 300_000, 'space', () => {
      world.disk.full = false;
    });
  },
  'checkpoint-rot': (world, random) => {
    // One at a time: a log that has lost both its checkpoints, and what stood before them, is lost.
    if (world.rotten === 0 && world.disk.rotCheckpoint(journalFolder, random)) world.rotten++;
  },
  rival: (world) => openRival(world),
  deploy: (world) => {
    world.redeploy().catch((error: unknown) => world.kernel.fail(error));
  },
};

/** Another process that wants the same journal must be refused as long as the first one lives. */
function openRival(world: World): void {
  const owner = world.life?.process;
  if (owner === undefined) return;
  const rival = new SimulatedProcess(world.kernel, -1, { skewMs: 0, rate: 1 });
  openWalJournal(journalFolder, { files: new ProcessFiles(world.disk, rival), clock: rival.clock }).then(
    () => {
      if (owner.alive && world.life?.process === owner)
        world.kernel.fail(new Violation('I7 one writer at a time', 'a second process has opened the journal'));
      rival.die();
    },
    (error: unknown) => {
      rival.die();
      if (!isMakegoodError(error, 'MAKEGOOD_FILE_LOCKED')) world.kernel.fail(error);
    },
  );
}

/** Lets what befalls a world by itself come. */
export function beginCalamities(world: World): void {
  beginStrikes(world, strikes, (strike, random) => strike(world, random));
}
