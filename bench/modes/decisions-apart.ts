import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, median } from '../report.ts';
import { pause, quantiles, rank } from './samples.ts';

interface Plan {
  readonly decisions: number;
  readonly rounds: number;
  /** There and back between a node and the authority. */
  readonly delayMs: number;
}

const items = 300;
const rules = {
  initial: () => 50,
  apply: (left: number, wanted: number) => (wanted <= left ? { state: left - wanted } : { conflict: `${left} left` }),
};

async function run(plan: Plan, path: string) {
  const [provisional, { walEntryLog }, { openHybridClock }] = await Promise.all([
    import('../../dist/provisional/index.js'),
    import('../../dist/adapters/wal/index.js'),
    import('../../dist/causality/index.js'),
  ]);
  let compensated = 0;
  const open = async (node: string) =>
    provisional.openProvisionalLedger<number, number>({
      node,
      rules,
      log: walEntryLog<never>(join(path, node), { purpose: 'bench' }),
      hybridClock: await openHybridClock(),
      compensate: () => void compensated++,
    });
  const authority = await provisional.openDecisionAuthority<number, number>({
    rules,
    log: walEntryLog<never>(join(path, 'authority'), { purpose: 'bench' }),
  });
  const far = {
    judge: async (...call: Parameters<typeof authority.judge>) => {
      await pause(plan.delayMs / 2);
      const answer = await authority.judge(...call);
      await pause(plan.delayMs / 2);
      return answer;
    },
  };
  const nodes = await Promise.all(['north', 'south', 'west'].map(open));
  const [samplesMs, accepted] = [[] as number[], new Set<string>()];
  const startedMs = performance.now();
  await Promise.all(
    nodes.flatMap((node, place) =>
      Array.from({ length: 16 }, async (_, line) => {
        for (let number = line; number < plan.decisions / 3; number += 16) {
          const id = `${place}-${number}`;
          const askedMs = performance.now();
          const proposal = await node.propose({
            id,
            key: `item-${Math.floor(Math.random() * items)}`,
            body: 1 + Math.floor(Math.random() * 9),
          });
          samplesMs.push(performance.now() - askedMs);
          if (proposal.accepted) accepted.add(id);
        }
      }),
    ),
  );
  const decidedMs = performance.now();
  await Promise.all(nodes.map((node) => node.reconcile(far)));
  const judgedMs = performance.now();
  await Promise.all(nodes.map((node) => node.settle()));
  const mendedMs = performance.now();
  const keys = Array.from({ length: items }, (_, index) => `item-${index}`);
  const overdrawn = keys.filter((key) => authority.stateOf(key) < 0).length;
  const count = (status: 'confirmed' | 'compensated' | 'provisional'): number =>
    nodes.reduce((sum, node) => sum + node.list({ status }).length, 0);
  const figures = { confirmed: count('confirmed'), undone: count('compensated'), open: count('provisional') };
  for (const closing of [...nodes, authority]) await closing.close();
  return {
    ...figures,
    samplesMs,
    perSecond: samplesMs.length / ((decidedMs - startedMs) / 1000),
    judgeMs: judgedMs - decidedMs,
    mendMs: mendedMs - judgedMs,
    wrong: overdrawn + (accepted.size - figures.confirmed - figures.undone) + (compensated - figures.undone),
  };
}

export async function decisionsApart(plan: Plan): Promise<Figures[]> {
  const runs: Awaited<ReturnType<typeof run>>[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const path = mkdtempSync(join(tmpdir(), 'bench-modes-'));
    runs.push(await run(plan, path));
    rmSync(path, { recursive: true, force: true });
  }
  const middle = (pick: (one: (typeof runs)[number]) => number): string =>
    Math.round(median(runs.map(pick))).toString();
  const waits = runs.flatMap(({ samplesMs }) => samplesMs);
  return [
    {
      'decisions/s, cut off': middle(({ perSecond }) => perSecond),
      'p50 / p99 ms': quantiles(waits),
      'asking first would take': `≥ ${plan.delayMs} ms, or for ever`,
      confirmed: middle(({ confirmed }) => confirmed),
      'overruled and undone': middle(({ undone }) => undone),
      'all agree after ms': middle(({ judgeMs }) => judgeMs),
      'all made good after ms': middle(({ judgeMs, mendMs }) => judgeMs + mendMs),
      'left open, overdrawn or lost': String(runs.reduce((sum, { open, wrong }) => sum + open + wrong, 0)),
      'slowest ms': rank(waits, 1).toFixed(0),
    },
  ];
}
