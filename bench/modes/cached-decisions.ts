import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, median } from '../report.ts';
import { pause, quantiles } from './samples.ts';

interface Plan {
  readonly seconds: number;
  readonly rounds: number;
  /** There and back. */
  readonly delayMs: number;
}

const accounts = 50_000;

/** Decisions for so long, against a source on the real log; those without a cache read each value from afar. */
async function run(kind: 'cache' | 'no cache', plan: Plan, path: string) {
  const [{ openLoggedSource, readCache }, { walEntryLog }] = await Promise.all([
    import('../../dist/read-cache/index.js'),
    import('../../dist/adapters/wal/index.js'),
  ]);
  const source = await openLoggedSource<number>({ log: walEntryLog(path, { purpose: 'bench' }) });
  const keys = Array.from({ length: accounts }, (_, index) => `account-${index}`);
  await source.commit({ reads: new Map(), writes: new Map(keys.map((key) => [key, 0])) });
  const far = {
    read: async (wanted: readonly string[]) => (await pause(plan.delayMs), source.read(wanted)),
    commit: async (request: Parameters<typeof source.commit>[0]) => (await pause(plan.delayMs), source.commit(request)),
  };
  // Two caches, as two nodes have: each makes what the other knows old.
  const caches = [0, 1].map(() =>
    readCache<number>({ source: far, maxEntries: kind === 'cache' ? accounts : 1, maxAttempts: 20 }),
  );
  if (kind === 'cache') for (const cache of caches) await cache.warm(source.entries());
  const samplesMs: number[] = [];
  const endMs = performance.now() + plan.seconds * 1000;
  const work = async (number: number): Promise<void> => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      await caches[number % 2]?.decide(async ({ read, write }) => {
        const chosen = Array.from({ length: 4 }, () => keys[Math.floor(Math.random() * accounts)] ?? '');
        for (const key of chosen) await read(key);
        const [first = ''] = chosen;
        write(first, ((await read(first)) ?? 0) + 1);
      });
      samplesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, number) => work(number)));
  const sum = [...source.entries()].reduce((total, [, { value }]) => total + value, 0);
  await source.close();
  const repeated = caches.reduce((total, { figures }) => total + figures.repeated, 0);
  return { samplesMs, repeated, lost: samplesMs.length - sum };
}

export async function cachedDecisions(plan: Plan): Promise<Figures[]> {
  const found = { cache: [] as Awaited<ReturnType<typeof run>>[], 'no cache': [] as Awaited<ReturnType<typeof run>>[] };
  for (let round = 0; round < plan.rounds; round++)
    for (const kind of ['no cache', 'cache'] as const) {
      const path = mkdtempSync(join(tmpdir(), 'bench-modes-'));
      found[kind].push(await run(kind, plan, path));
      rmSync(path, { recursive: true, force: true });
    }
  return (['no cache', 'cache'] as const).map((kind) => {
    const all = found[kind].flatMap(({ samplesMs }) => samplesMs);
    const share = found[kind].reduce((sum, { repeated }) => sum + repeated, 0) / all.length;
    return {
      reads: kind === 'cache' ? 'from a warm cache' : 'from the source',
      'decisions/s': Math.round(median(found[kind].map(({ samplesMs }) => samplesMs.length / plan.seconds))).toString(),
      'p50 / p99 ms': quantiles(all),
      'within 50 ms': `${((100 * all.filter((ms) => ms < 50).length) / all.length).toFixed(2)} %`,
      'made again': `${(100 * share).toFixed(1)} %`,
      'lost updates': String(found[kind].reduce((sum, { lost }) => sum + lost, 0)),
    };
  });
}
