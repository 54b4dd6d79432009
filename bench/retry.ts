/**
 * The cost of a retried call, each case in a process of its own, rounds interleaved: `node retry.ts`.
 *
 * All systems do the same work: at most three executions, any error is retried, no wait between them, and the function
 * is told which attempt it is. Policies are made once and used for every call; `retry()` and p-retry take their options
 * with each call, as they are meant to be used.
 */
import { spawnSync } from 'node:child_process';
import { machine, median, range, saveResults, table } from './report.ts';

type Fn = (context: unknown) => Promise<number>;
type Run = (fn: Fn) => Promise<number>;

const systems: Record<string, () => Promise<Run>> = {
  'bare loop': async () => {
    return async (fn) => {
      for (let number = 1; ; number++) {
        try {
          return await fn({ number, maxAttempts: 3 });
        } catch (error) {
          if (number === 3) throw error;
        }
      }
    };
  },
  'cockatiel 4.0.0': async () => {
    const { ConstantBackoff, handleAll, retry } = await import('cockatiel');
    const policy = retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(0) });
    return (fn) => policy.execute(fn);
  },
  'p-retry 9.0.0': async () => {
    const { default: pRetry } = await import('p-retry');
    return (fn) => pRetry(fn, { retries: 2, minTimeout: 0, maxTimeout: 0 });
  },
  'makegood policy': async () => {
    const [{ retryPolicy }, { constant }] = await Promise.all([
      import('../dist/retry/index.js'),
      import('../dist/backoff/index.js'),
    ]);
    const policy = retryPolicy({ maxAttempts: 3, backoff: constant(0), retryable: () => true, budget: false });
    return (fn) => policy.execute(fn);
  },
  'makegood policy, own budget': async () => {
    const [{ retryBudget, retryPolicy }, { constant }] = await Promise.all([
      import('../dist/retry/index.js'),
      import('../dist/backoff/index.js'),
    ]);
    const budget = retryBudget({ ratio: 2 });
    const policy = retryPolicy({ maxAttempts: 3, backoff: constant(0), retryable: () => true, budget });
    return (fn) => policy.execute(fn);
  },
  'makegood retry()': async () => {
    const [{ retry }, { constant }] = await Promise.all([
      import('../dist/retry/index.js'),
      import('../dist/backoff/index.js'),
    ]);
    const options = { maxAttempts: 3, backoff: constant(0), retryable: () => true };
    return (fn) => retry(fn, options);
  },
};

const failure = new Error('503');

const cases: Record<string, () => Fn> = {
  'success at once': () => async () => 1,
  'fail twice, then succeed': () => {
    let calls = 0;
    return async () => {
      if (++calls % 3 !== 0) throw failure;
      return calls;
    };
  },
};

type Measure = 'ns' | 'bytes';

async function measure(what: Measure, system: string, name: string): Promise<number> {
  const [makeRun, makeFn] = [systems[system], cases[name]];
  if (makeRun === undefined || makeFn === undefined) throw new RangeError(`no case "${name}" of "${system}"`);
  const [run, fn] = [await makeRun(), makeFn()];
  const repeat = async (calls: number): Promise<void> => {
    for (let call = 0; call < calls; call++) await run(fn);
  };
  return what === 'ns' ? nsPerCall(repeat) : bytesPerCall(repeat);
}

async function nsPerCall(repeat: (calls: number) => Promise<void>): Promise<number> {
  const timed = async (calls: number): Promise<number> => {
    const startedMs = performance.now();
    await repeat(calls);
    return ((performance.now() - startedMs) * 1e6) / calls;
  };
  // Who needs a timer a call takes thousands of times longer; a batch lasts about 4 ms whatever it measures.
  const batch = Math.max(5, Math.min(20_000, Math.round(4e6 / (await timed(100)))));
  const batches: number[] = [];
  for (let round = 0; round < 120; round++) batches.push(await timed(batch));
  // Others on the machine can only slow a batch down, so the fastest tenth says most about the code.
  const measured = batches.slice(60).sort((left, right) => left - right);
  return measured[Math.floor(measured.length / 10)] ?? Number.NaN;
}

/** What is allocated, in a process whose young generation is so large that nothing is collected in between. */
async function bytesPerCall(repeat: (calls: number) => Promise<void>): Promise<number> {
  const calls = 500;
  const samples: number[] = [];
  for (let round = 0; round < 20; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await repeat(calls);
    samples.push((process.memoryUsage().heapUsed - before) / calls);
  }
  return median(samples.slice(10));
}

const roomyHeap = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

function inProcess(what: Measure, system: string, name: string): number {
  const flags = what === 'bytes' ? roomyHeap : [];
  const child = spawnSync(process.execPath, [...flags, import.meta.filename, what, system, name], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`"${name}" of "${system}" failed: ${child.stderr}`);
  return Number(child.stdout);
}

function compare(rounds: number): void {
  const samples = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(cases)) {
      // What is allocated hardly varies, so three rounds of it do.
      for (const what of round < 3 ? (['ns', 'bytes'] as const) : (['ns'] as const)) {
        for (const system of Object.keys(systems)) {
          const key = `${what} · ${name} · ${system}`;
          samples.set(key, [...(samples.get(key) ?? []), inProcess(what, system, name)]);
        }
      }
    }
  }
  report(samples, rounds);
}

function report(samples: ReadonlyMap<string, readonly number[]>, rounds: number): void {
  const of = (what: Measure, name: string, system: string): readonly number[] =>
    samples.get(`${what} · ${name} · ${system}`) ?? [];
  // The median of the rounds, then of the fastest: a shared machine changes its speed from one second to the next.
  const ratio = (name: string, system: string, peer: string): string => {
    const [ours, theirs] = [of('ns', name, system), of('ns', name, peer)];
    const byRound = ours.map((ns, round) => ns / (theirs[round] ?? Number.NaN));
    return `${median(byRound).toPrecision(2)} / ${(Math.min(...ours) / Math.min(...theirs)).toPrecision(2)}`;
  };
  const rows = Object.keys(cases).flatMap((name) =>
    Object.keys(systems).map((system) => ({
      case: name,
      system,
      'ns a call': range(of('ns', name, system)),
      'bytes a call': range(of('bytes', name, system)),
      '÷ bare loop': ratio(name, system, 'bare loop'),
      '÷ cockatiel': ratio(name, system, 'cockatiel 4.0.0'),
      '÷ p-retry': ratio(name, system, 'p-retry 9.0.0'),
    })),
  );
  console.log(
    `${machine()}\nmedian [range] of ${rounds} interleaved rounds, ratios: median of the rounds / of the fastest rounds\n\n${table(rows)}`,
  );
  saveResults('retry', { machine: machine(), rounds, samples: Object.fromEntries(samples) });
}

const [what, system, name] = process.argv.slice(2);
if (system === undefined || name === undefined) compare(15);
else console.log(await measure(what === 'bytes' ? 'bytes' : 'ns', system, name));
