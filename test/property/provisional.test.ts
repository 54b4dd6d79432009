import { expect, test } from 'vitest';
import { walEntryLog } from '../../src/adapters/wal/index.ts';
import { openHybridClock } from '../../src/causality/index.ts';
import {
  openDecisionAuthority,
  openProvisionalLedger,
  type OpenAuthority,
  type ProvisionalDecision,
  type ProvisionalLedger,
} from '../../src/provisional/index.ts';
import {
  memoryFiles,
  type MemoryFiles,
  type SeededRandom,
  seededRandom,
  testClock,
  type TestClock,
} from '../../src/testing/index.ts';

const goods = ['apples', 'pears', 'plums'];
const rules = {
  initial: () => 10,
  apply: (left: number, wanted: number) =>
    wanted <= left ? { state: left - wanted } : { conflict: `only ${left} left` },
};

/** A process that may die: its disk stays. */
abstract class Mortal<Opened> {
  readonly files: MemoryFiles;
  protected readonly clock: TestClock;
  opened!: Opened;
  life = 0;

  constructor(clock: TestClock, random: SeededRandom) {
    this.clock = clock;
    this.files = memoryFiles({ random });
  }

  protected abstract open(): Promise<Opened>;

  async begin(): Promise<void> {
    this.life++;
    const opening = this.open();
    await this.clock.advance(2000);
    this.opened = await opening;
  }

  async die(): Promise<void> {
    this.life++;
    this.files.faults.powerFailsAt = this.files.operations + 1;
    await this.clock.settle();
    this.files.crash();
    await this.begin();
  }

  protected options(purpose: string) {
    return { purpose, files: this.files, clock: this.clock, segmentBytes: 65_536, checkpointBytes: 4096 };
  }
}

class Authority extends Mortal<OpenAuthority<number, number>> {
  gather: '50ms' | 0 = '50ms';

  protected open(): Promise<OpenAuthority<number, number>> {
    const log = walEntryLog<never>('authority', this.options('authority'));
    return openDecisionAuthority<number, number>({ rules, log, gather: this.gather, clock: this.clock });
  }
}

class Node extends Mortal<ProvisionalLedger<number, number>> {
  readonly name: string;
  readonly accepted = new Map<string, number>();
  readonly unsure = new Set<string>();
  readonly undone: string[];
  private readonly random: SeededRandom;

  constructor(name: string, clock: TestClock, random: SeededRandom, undone: string[]) {
    super(clock, random.split(name));
    this.name = name;
    this.random = random.split(`${name} faults`);
    this.undone = undone;
  }

  protected async open(): Promise<ProvisionalLedger<number, number>> {
    const { clock, life } = this;
    const hybrid = walEntryLog<never>('clock', this.options('clock'));
    return openProvisionalLedger<number, number>({
      node: this.name,
      rules,
      log: walEntryLog<never>('ledger', this.options('ledger')),
      hybridClock: await openHybridClock({ log: hybrid, clock }),
      compensate: (_, { idempotencyKey }) => {
        if (life !== this.life || this.random() < 0.2) throw new Error('not now');
        // The participant knows the key, as it must: a second call after a crash changes nothing.
        if (!this.undone.includes(idempotencyKey)) this.undone.push(idempotencyKey);
      },
      retry: { maxAttempts: 1000 },
      clock,
    });
  }

  async propose(id: string, key: string, body: number): Promise<void> {
    this.unsure.add(id);
    const proposal = await this.opened.propose({ id, key, body }).catch(() => undefined);
    if (proposal === undefined) return;
    this.unsure.delete(id);
    if (proposal.accepted) this.accepted.set(id, body);
  }
}

test('after any partitions, crashes and lost answers all parts agree, and what was overruled is undone exactly once', async () => {
  let overruled = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed);
    const clock = testClock();
    const authority = new Authority(clock, random.split('authority'));
    authority.gather = seed % 3 === 0 ? 0 : '50ms';
    const undone: string[] = [];
    const nodes = ['north', 'south', 'west'].map((name) => new Node(name, clock, random, undone));
    for (const mortal of [authority, ...nodes]) await mortal.begin();
    const pick = (count: number): number => Math.floor(random() * count);
    const reachable = nodes.map(() => true);
    const reconcile = async (node: Node): Promise<void> => {
      const lossy = {
        judge: async (...call: Parameters<OpenAuthority<number, number>['judge']>) => {
          const answer = await authority.opened.judge(...call);
          if (random() < 0.2) throw new Error('the answer is lost');
          return answer;
        },
      };
      await node.opened.reconcile(lossy).catch(() => undefined);
    };
    const tasks: Promise<void>[] = [];
    for (let turn = 0; turn < 120; turn++) {
      const place = pick(nodes.length);
      const node = nodes[place] as Node;
      const dice = random();
      if (dice < 0.55)
        tasks.push(node.propose(`${node.name}-${turn}`, goods[pick(goods.length)] as string, 1 + pick(3)));
      else if (dice < 0.65) reachable[place] = !reachable[place];
      else if (dice < 0.9 && reachable[place] === true) tasks.push(reconcile(node));
      else if (dice < 0.93) await node.die();
      else if (dice < 0.94) await authority.die();
      await clock.advance(pick(60));
    }
    await clock.advance(200);
    await Promise.all(tasks);
    // Everything is reachable again, and whoever asks long enough is answered.
    for (let round = 0; round < 40; round++) {
      const asked = Promise.all(nodes.map(reconcile));
      await clock.advance(5000);
      await asked;
    }

    const left = new Map(goods.map((key) => [key, 10]));
    for (const node of nodes) {
      expect(node.opened.list({ status: 'provisional' }), `seed ${seed}: nothing is left open`).toEqual([]);
      expect(node.opened.list({ status: 'overruled' })).toEqual([]);
      for (const id of node.accepted.keys())
        expect(node.opened.get(id), `seed ${seed}: ${id} is not lost`).toBeDefined();
      for (const status of ['confirmed', 'compensated'] as const)
        for (const { decision } of node.opened.list({ status })) {
          expect(node.accepted.has(decision.id) || node.unsure.has(decision.id)).toBe(true);
          if (status === 'confirmed') left.set(decision.key, (left.get(decision.key) ?? 0) - decision.body);
          expect(undone.includes(`${decision.id}/compensation`), `seed ${seed}: ${decision.id}`).toBe(
            status === 'compensated',
          );
        }
      overruled += node.opened.list({ status: 'compensated' }).length;
    }
    expect(new Set(undone).size).toBe(undone.length);
    for (const key of goods) {
      expect(left.get(key), `seed ${seed}: what was confirmed is what is missing`).toBe(authority.opened.stateOf(key));
      expect(left.get(key)).toBeGreaterThanOrEqual(0);
    }
    // A node that asks about a key learns its state; nobody is left with an older one.
    for (const node of nodes) {
      const decision: ProvisionalDecision<number> | undefined = node.opened.list({ status: 'confirmed' })[0]?.decision;
      if (decision === undefined) continue;
      const asked = authority.opened.judge({ node: node.name, decisions: [decision], acknowledged: 0 });
      await clock.advance(100);
      expect((await asked).states.get(decision.key)).toBe(authority.opened.stateOf(decision.key));
    }
  }
  expect(overruled).toBeGreaterThan(50);
}, 120_000);

test('a part that was cut off while the epoch moved on is overruled by those that went on', async () => {
  const clock = testClock();
  const random = seededRandom(1);
  const authority = new Authority(clock, random);
  const [major, minor] = [new Node('major', clock, random, []), new Node('minor', clock, random, [])];
  for (const mortal of [authority, major, minor]) await mortal.begin();
  const asked = async (...nodes: Node[]) => {
    const all = Promise.all(nodes.map((node) => node.opened.reconcile(authority.opened)));
    await clock.advance(50);
    return all;
  };
  await asked(major, minor);
  await minor.propose('minor-first', 'apples', 8);
  await authority.die();
  await asked(major);
  await clock.advance(1000);
  await major.propose('major-later', 'apples', 8);
  const [ofMajor, ofMinor] = await asked(major, minor);
  expect([major.opened.epoch, ofMajor?.confirmed]).toEqual([2, 1]);
  expect(ofMinor?.conflicts).toMatchObject([{ decision: { id: 'minor-first', epoch: 1 }, conflict: 'only 2 left' }]);
});

test('decisions that are made at the same time, and asked about twice at the same time, are each judged once', async () => {
  const clock = testClock();
  const random = seededRandom(2);
  const authority = new Authority(clock, random);
  const undone: string[] = [];
  const [north, south] = [new Node('north', clock, random, undone), new Node('south', clock, random, undone)];
  for (const mortal of [authority, north, south]) await mortal.begin();
  const burst = (node: Node) =>
    Array.from({ length: 20 }, (_, index) => node.propose(`${node.name}-${index}`, `key-${index}`, 10));
  await Promise.all([...burst(north), ...burst(south)]);
  expect([north.accepted.size, south.accepted.size]).toEqual([20, 20]);
  const slow = {
    judge: async (...call: Parameters<OpenAuthority<number, number>['judge']>) => {
      const answer = await authority.opened.judge(...call);
      await clock.holdWhile(Promise.resolve());
      return answer;
    },
  };
  const asked = Promise.all(
    [north, south, south].map((node, index) => node.opened.reconcile(index === 1 ? slow : authority.opened)),
  );
  await clock.advance(20_000);
  await asked;
  await clock.advance(200_000);
  const counts = [north, south].map((node) =>
    (['confirmed', 'compensated', 'provisional', 'overruled'] as const).map(
      (status) => node.opened.list({ status }).length,
    ),
  );
  expect(counts.map(([confirmed = 0, compensated = 0]) => confirmed + compensated)).toEqual([20, 20]);
  expect(counts.reduce((sum, [confirmed = 0]) => sum + confirmed, 0)).toBe(20);
  expect(new Set(undone).size).toBe(undone.length);
});
