import { expect, test } from 'vitest';
import { walEntryLog } from '../../src/adapters/wal/index.ts';
import { openLoggedSource, readCache, type LoggedSource, type VersionedSource } from '../../src/read-cache/index.ts';
import { sleep } from '../../src/time/index.ts';
import { memoryFiles, type SeededRandom, seededRandom, testClock, type TestClock } from '../../src/testing/index.ts';

/** A way to the source on which calls take their time, are lost, and whose answers are lost. */
class Link implements VersionedSource<number> {
  cutOff = false;
  source: LoggedSource<number>;
  private readonly clock: TestClock;
  private readonly random: SeededRandom;

  constructor(source: LoggedSource<number>, clock: TestClock, random: SeededRandom) {
    this.source = source;
    this.clock = clock;
    this.random = random;
  }

  read(keys: readonly string[]): ReturnType<VersionedSource<number>['read']> {
    return this.pass(() => this.source.read(keys));
  }

  commit(request: Parameters<VersionedSource<number>['commit']>[0]): ReturnType<VersionedSource<number>['commit']> {
    return this.pass(() => this.source.commit(request));
  }

  private async pass<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const { clock, random } = this;
    await sleep(Math.floor(random() * 20), { clock });
    if (this.cutOff) throw new Error('the call is lost');
    const answer = await call();
    await sleep(Math.floor(random() * 20), { clock });
    if (this.cutOff || random() < 0.05) throw new Error('the answer is lost');
    return answer;
  }
}

test('under any interleaving, partition and crash no decision is committed on an old value', async () => {
  let repeated = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const [clock, files] = [testClock(), memoryFiles({ random: random.split('disk') })];
    const open = () =>
      openLoggedSource<number>({
        log: walEntryLog('source', { purpose: 'accounts', files, clock, segmentBytes: 16_384, checkpointBytes: 8192 }),
      });
    let source = await open();
    const pairs = ['a', 'b', 'c'];
    await source.commit({
      reads: new Map(),
      writes: new Map(
        pairs.flatMap((pair) => [
          [`${pair}1`, 50],
          [`${pair}2`, 50],
        ]),
      ),
    });
    const links = Array.from({ length: 4 }, (_, index) => new Link(source, clock, random.split(`link ${index}`)));
    const caches = links.map((link) =>
      readCache<number>({ source: link, maxEntries: 1 + Math.floor(random() * 6), maxAttempts: 3 }),
    );
    // What was taken for certain, and what may have been: the answer was lost.
    const taken = new Map(pairs.map((pair) => [pair, { sure: 0, unsure: 0 }]));
    const tasks: Promise<unknown>[] = [];
    for (let turn = 0; turn < 200; turn++) {
      const place = Math.floor(random() * caches.length);
      const pair = pairs[Math.floor(random() * pairs.length)] as string;
      const [from, amount] = [`${pair}${random() < 0.5 ? 1 : 2}`, 1 + Math.floor(random() * 30)];
      const told = taken.get(pair) as { sure: number; unsure: number };
      const dice = random();
      if (dice < 0.8) {
        // Either account may go below zero as long as both together do not: what was only read matters as well.
        const decision = caches[place]?.decide(async ({ read, write }) => {
          const sum = ((await read(`${pair}1`)) ?? 0) + ((await read(`${pair}2`)) ?? 0);
          if (sum < amount) return 0;
          write(from, ((await read(from)) ?? 0) - amount);
          return amount;
        });
        tasks.push(
          (decision ?? Promise.resolve(0)).then(
            (sum) => (told.sure += sum),
            (error: Error) => (told.unsure += error.message.includes('overtaken') ? 0 : amount),
          ),
        );
      } else if (dice < 0.9) {
        const link = links[place] as Link;
        link.cutOff = !link.cutOff;
      } else if (dice < 0.91) {
        files.faults.powerFailsAt = files.operations + 1;
        await clock.settle();
        files.crash();
        source = await open();
        for (const link of links) link.source = source;
      }
      await clock.advance(Math.floor(random() * 15));
    }
    await clock.advance(1000);
    await Promise.all(tasks);
    const values = new Map([...source.entries()].map(([key, { value }]) => [key, value]));
    for (const [pair, { sure, unsure }] of taken) {
      const left = (values.get(`${pair}1`) ?? 0) + (values.get(`${pair}2`) ?? 0);
      expect(left, `seed ${seed}: no two decisions took the same`).toBeGreaterThanOrEqual(0);
      expect(100 - left, `seed ${seed}: what was answered is there`).toBeGreaterThanOrEqual(sure);
      expect(100 - left, `seed ${seed}: nothing is there that was not asked for`).toBeLessThanOrEqual(sure + unsure);
    }
    repeated += caches.reduce((sum, cache) => sum + cache.figures.repeated, 0);
  }
  expect(repeated).toBeGreaterThan(300);
}, 120_000);
