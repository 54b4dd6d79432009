import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, median } from '../report.ts';
import { quantiles } from './samples.ts';

interface Plan {
  readonly events: number;
  readonly rounds: number;
}

const displacement = 200;
const scopes = 100;

type Log = 'none' | 'memory' | 'on disk';

async function load() {
  const [causality, { walEntryLog }] = await Promise.all([
    import('../../dist/causality/index.js'),
    import('../../dist/adapters/wal/index.js'),
  ]);
  return { ...causality, walEntryLog };
}

/** Events of four producers in each of a hundred sagas that hear of each other, in an order that respects causes. */
async function draw(count: number) {
  const { advanceVector, mergeVectors } = await load();
  const producers = ['orders#1', 'stock#1', 'payments#1', 'mail#1'];
  const known = new Map<string, Readonly<Record<string, number>>>();
  return Array.from({ length: count }, (_, index) => {
    const scope = `saga-${index % scopes}`;
    const [producer = '', other = ''] = [0, 1].map(() => producers[Math.floor(Math.random() * 4)] ?? '');
    const heard = mergeVectors(known.get(`${scope} ${producer}`) ?? {}, known.get(`${scope} ${other}`) ?? {});
    const vector = advanceVector(heard, producer);
    known.set(`${scope} ${producer}`, vector);
    return { scope, id: String(index), producer, vector, payload: { amount: index, note: 'x'.repeat(100) } };
  });
}

async function run(kind: Log, plan: Plan, path: string) {
  const { compareVectors, openCausalDelivery, walEntryLog } = await load();
  const events = await draw(plan.events);
  const arrivals = events
    .map((event, index) => ({ event, at: index + Math.random() * displacement }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ event }) => event);
  const delivered = new Map<string, (typeof events)[number][]>();
  const arrivedMs = new Map<string, number>();
  const waitsMs: number[] = [];
  const deliver = (event: (typeof events)[number]): void => {
    const before = delivered.get(event.scope);
    if (before === undefined) delivered.set(event.scope, [event]);
    else before.push(event);
    waitsMs.push(performance.now() - (arrivedMs.get(event.id) ?? 0));
  };
  const log = kind === 'on disk' ? { log: walEntryLog<never>(path, { purpose: 'bench' }) } : {};
  const inbox = await openCausalDelivery({ deliver: (event) => deliver(event as never), ...log });
  let held = 0;
  const startedMs = performance.now();
  // 256 in flight, as a consumer has that acknowledges late.
  for (let from = 0; from < arrivals.length; from += 256) {
    const work = arrivals.slice(from, from + 256).map(async (event) => {
      arrivedMs.set(event.id, performance.now());
      if (kind === 'none') deliver(event);
      else if ((await inbox.accept(event)) === 'held') held++;
    });
    await Promise.all(work);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await inbox.close();
  let early = 0;
  for (const seen of delivered.values())
    seen.forEach((event, index) => {
      if (seen.slice(index + 1).some((later) => compareVectors(later.vector, event.vector) === 'before')) early++;
    });
  return { perSecond: waitsMs.length / seconds, waitsMs, held, early, missing: plan.events - waitsMs.length };
}

export async function causalEvents(plan: Plan): Promise<Figures[]> {
  const kinds: readonly Log[] = ['none', 'memory', 'on disk'];
  const found = new Map<Log, Awaited<ReturnType<typeof run>>[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < plan.rounds; round++)
    for (const kind of kinds) {
      const path = mkdtempSync(join(tmpdir(), 'bench-modes-'));
      found.get(kind)?.push(await run(kind, plan, path));
      rmSync(path, { recursive: true, force: true });
    }
  const names = { none: 'as they arrive', memory: 'causal, in memory', 'on disk': 'causal, durable' };
  return kinds.map((kind) => {
    const runs = found.get(kind) ?? [];
    const all = runs.length * plan.events;
    const sum = (pick: (one: (typeof runs)[number]) => number): number =>
      runs.reduce((total, one) => total + pick(one), 0);
    return {
      delivery: names[kind],
      'events/s': Math.round(median(runs.map(({ perSecond }) => perSecond))).toString(),
      'wait p50 / p99 ms': quantiles(runs.flatMap(({ waitsMs }) => waitsMs)),
      held: `${((100 * sum(({ held }) => held)) / all).toFixed(1)} %`,
      'before their cause': String(sum(({ early }) => early)),
      missing: String(sum(({ missing }) => missing)),
    };
  });
}
