/**
 * The power fails at every single operation on the disk in the life of a saga; then it comes back, the coordinator is
 * opened again on what the disk kept, and the client asks again for its saga. The participants live elsewhere, remember
 * what they did, and are the judges.
 */
import { describe, expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { openWalJournal } from '../../src/journal/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import { type Saga, saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo, type SagaOutcome, type Tempo } from '../../src/tempo/index.ts';
import { type MemoryFiles, memoryFiles, type TestClock, testClock } from '../../src/testing/index.ts';

/** Participants with a barrier: they outlive the coordinator, apply each key once, and refuse an action after its undo. */
class Participants {
  readonly effects = new Map<string, number>();
  private readonly done = new Set<string>();
  private failuresLeft: number;

  constructor(transientFailures: number) {
    this.failuresLeft = transientFailures;
  }

  act(key: string, refuse = false): string {
    if (this.failuresLeft-- > 0) throw new Error('away for a moment');
    if (this.done.has(`undone ${key}`)) throw new TerminalError('undone already');
    if (refuse) throw new TerminalError('refused');
    if (!this.done.has(key)) this.count(key, 1);
    this.done.add(key);
    return key;
  }

  undo(key: string): void {
    if (this.failuresLeft-- > 0) throw new Error('away for a moment');
    if (this.done.has(key) && !this.done.has(`undone ${key}`)) this.count(key, -1);
    this.done.add(`undone ${key}`);
  }

  private count(key: string, by: number): void {
    const now = (this.effects.get(key) ?? 0) + by;
    if (now !== 0 && now !== 1) throw new Error(`effect ${key} happened ${now} times`);
    this.effects.set(key, now);
  }

  /** Effects that stand. */
  get standing(): string[] {
    return [...this.effects]
      .filter(([, count]) => count !== 0)
      .map(([key]) => key)
      .toSorted();
  }
}

interface Scenario {
  readonly define: (participants: Participants) => Saga<null>;
  readonly transientFailures?: number;
  readonly ends: SagaOutcome<unknown>['status'];
  readonly standing: readonly string[];
}

const retry = { maxAttempts: 8, backoff: constant(50), retryable: () => true };
const compensationRetry = { ...retry, maxAttempts: 9 };

function step(participants: Participants, key: string, refuse = false) {
  return {
    run: async () => participants.act(key, refuse),
    compensate: async () => participants.undo(key),
    retry,
    compensationRetry,
    maxFlight: 0,
  };
}

function forward(participants: Participants, key: string, refuse = false) {
  return { run: async () => participants.act(key, refuse), retry, maxFlight: 0 };
}

const scenarios: Record<string, Scenario> = {
  'three steps complete': {
    define: (at) =>
      saga('s').input<null>().step('a', step(at, 'a')).step('b', step(at, 'b')).pivot('c', forward(at, 'c')).output(),
    ends: 'completed',
    standing: ['a', 'b', 'c'],
  },
  'the third step refuses, two are undone': {
    define: (at) =>
      saga('s')
        .input<null>()
        .step('a', step(at, 'a'))
        .step('b', step(at, 'b'))
        .pivot('c', forward(at, 'c', true))
        .output(),
    ends: 'compensated',
    standing: [],
  },
  'retries with backoff on the way': {
    define: (at) => saga('s').input<null>().step('a', step(at, 'a')).step('b', step(at, 'b')).output(),
    transientFailures: 3,
    ends: 'completed',
    standing: ['a', 'b'],
  },
  'retries while undoing': {
    define: (at) =>
      saga('s')
        .input<null>()
        .step('a', step(at, 'a'))
        .step('b', step(at, 'b', true))
        .output(),
    transientFailures: 2,
    ends: 'compensated',
    standing: [],
  },
  'parallel branches, one refuses': {
    define: (at) =>
      saga('s')
        .input<null>()
        .step('a', step(at, 'a'))
        .parallel({ b: step(at, 'b'), c: step(at, 'c', true), d: step(at, 'd') })
        .output(),
    ends: 'compensated',
    standing: [],
  },
  'a pause, a step that is skipped, a list of items': {
    define: (at) =>
      saga('s')
        .input<null>()
        .sleep('pause', '200ms')
        .step('a', { ...step(at, 'a'), when: () => false })
        .forEach('b', () => ['x', 'y', 'z'], {
          ...step(at, ''),
          run: async ({ item }) => at.act(item),
          compensate: async ({ item }) => at.undo(item),
          concurrency: 2,
        })
        .output(),
    ends: 'completed',
    standing: ['x', 'y', 'z'],
  },
  'the last item of a list refuses': {
    define: (at) =>
      saga('s')
        .input<null>()
        .forEach('b', () => ['x', 'y', 'z'], {
          ...step(at, ''),
          run: async ({ item }) => at.act(item, item === 'z'),
          compensate: async ({ item }) => at.undo(item),
          concurrency: 2,
        })
        .output(),
    ends: 'compensated',
    standing: [],
  },
  'a child and its child complete': {
    define: (at) => {
      const leaf = saga('leaf').input<null>().step('l', step(at, 'l')).output();
      const middle = saga('middle')
        .input<null>()
        .step('m', step(at, 'm'))
        .child('leaf', leaf, () => null)
        .output();
      return saga('s')
        .input<null>()
        .child('middle', middle, () => null)
        .step('a', step(at, 'a'))
        .output();
    },
    ends: 'completed',
    standing: ['a', 'l', 'm'],
  },
  'a child that completed is undone with its parent': {
    define: (at) => {
      const child = saga('child').input<null>().step('l', step(at, 'l')).step('m', step(at, 'm')).output();
      return saga('s')
        .input<null>()
        .step('a', step(at, 'a'))
        .child('child', child, () => null)
        .step('b', step(at, 'b', true))
        .output();
    },
    transientFailures: 1,
    ends: 'compensated',
    standing: [],
  },
  'a child refuses': {
    define: (at) => {
      const child = saga('child')
        .input<null>()
        .step('l', step(at, 'l'))
        .step('m', step(at, 'm', true))
        .output();
      return saga('s')
        .input<null>()
        .step('a', step(at, 'a'))
        .child('child', child, () => null)
        .output();
    },
    ends: 'compensated',
    standing: [],
  },
  'undone in parallel, with a probe': {
    define: (at) =>
      saga('s', { compensate: 'parallel' })
        .input<null>()
        .parallel({ a: step(at, 'a'), b: step(at, 'b') })
        .step('c', {
          ...step(at, 'c'),
          retry: { maxAttempts: 1 },
          run: async () => {
            at.act('c');
            throw new Error('no answer');
          },
          statusProbe: async () => ({ effect: 'applied' as const }),
        })
        .output(),
    ends: 'compensated',
    standing: [],
  },
  'steps after the pivot': {
    define: (at) =>
      saga('s')
        .input<null>()
        .pivot('a', forward(at, 'a'))
        .step('b', forward(at, 'b'))
        .parallel({ c: forward(at, 'c') })
        .output(),
    transientFailures: 2,
    ends: 'completed',
    standing: ['a', 'b', 'c'],
  },
};

/** Moves time until the promise settles; a test that hangs fails by the bound. */
async function settled<Value>(clock: TestClock, promise: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const seen: { result?: PromiseSettledResult<Value> } = {};
  void Promise.allSettled([promise]).then(([outcome]) => (seen.result = outcome));
  for (let turn = 0; seen.result === undefined && turn < 2000; turn++) await clock.advance(10);
  if (seen.result === undefined) throw new Error('nothing happened for 20 s');
  return seen.result;
}

/** One life of a coordinator, from opening to the outcome or to the power failure. */
class Life {
  acknowledged = false;
  private tempo: Tempo | undefined;
  private readonly clock = testClock();
  private readonly files: MemoryFiles;
  private readonly definition: Saga<null>;

  constructor(files: MemoryFiles, definition: Saga<null>) {
    this.files = files;
    this.definition = definition;
  }

  run(): Promise<PromiseSettledResult<SagaOutcome<unknown>>> {
    return settled(this.clock, this.toTheEnd());
  }

  private async toTheEnd(): Promise<SagaOutcome<unknown>> {
    const { files, clock, definition } = this;
    const journal = await openWalJournal('data', { files, clock, segmentBytes: 8192, random: seededRandom(3) });
    this.tempo = await openTempo({ journal, sagas: [definition], clock });
    const run = await this.tempo.start(definition, { id: 'id', input: null });
    this.acknowledged = true;
    return run.outcome();
  }

  async known(): Promise<boolean> {
    return (await this.tempo?.get('id')) !== undefined;
  }

  close(): Promise<unknown> {
    return settled(this.clock, this.tempo?.close() ?? Promise.resolve());
  }
}

/** Runs a scenario with the power failing at one operation; returns how many operations a life without failure takes. */
async function survive(scenario: Scenario, failsAt: number | undefined): Promise<number> {
  const files = memoryFiles({ random: seededRandom(failsAt ?? 0) });
  const participants = new Participants(scenario.transientFailures ?? 0);
  const definition = scenario.define(participants);
  if (failsAt !== undefined) files.faults.powerFailsAt = failsAt;
  const first = new Life(files, definition);
  const ending = await first.run();
  const { operations } = files;
  files.crash();
  delete files.faults.powerFailsAt;

  const second = new Life(files, definition);
  const { acknowledged } = first;
  const outcome = await second.run();
  if (outcome.status === 'rejected') throw outcome.reason;
  expect(outcome.value.status).toBe(scenario.ends);
  expect(participants.standing).toEqual(scenario.standing);
  if (ending.status === 'fulfilled') expect(outcome.value).toEqual(ending.value);
  if (acknowledged) expect(await second.known()).toBe(true);
  await second.close();
  return operations;
}

describe('the power fails at every operation on the disk', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    test(name, async () => {
      const operations = await survive(scenario, undefined);
      expect(operations).toBeGreaterThan(20);
      for (let failsAt = 1; failsAt <= operations; failsAt++) await survive(scenario, failsAt);
    });
  }
});
