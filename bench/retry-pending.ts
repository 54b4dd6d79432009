/**
 * 100,000 calls that have failed once and wait two seconds for their second attempt: `node retry-pending.ts all … cockatiel`.
 * What they take while they wait, and what it costs when all of them go on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fn, Run } from './retry-cases.ts';

const calls = 100_000;
const waitMs = 2000;
const failure = Object.assign(new Error('503'), { status: 503 });

async function policyOf(signal: AbortSignal | undefined): Promise<Run> {
  const [{ retryPolicy }, { constant }] = await Promise.all([
    import('../dist/retry/index.js'),
    import('../dist/backoff/index.js'),
  ]);
  const policy = retryPolicy({ maxAttempts: 3, backoff: constant(waitMs), budget: false });
  return (fn) => policy.execute(fn, { signal });
}

async function pRetryOf(signal: AbortSignal | undefined): Promise<Run> {
  const { default: pRetry } = await import('p-retry');
  const options = { retries: 2, minTimeout: waitMs, maxTimeout: waitMs };
  return (fn) => pRetry(fn, signal === undefined ? options : { ...options, signal });
}

/** How each system waits. */
export const waiters: Readonly<Record<string, () => Promise<Run>>> = {
  'bare loop': async () => async (fn) => {
    for (let number = 1; ; number++) {
      try {
        return await fn({ number });
      } catch (error) {
        if (number === 3) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  },
  cockatiel: async () => {
    const { ConstantBackoff, handleAll, retry } = await import('cockatiel');
    const policy = retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(waitMs) });
    return (fn) => policy.execute(fn);
  },
  'p-retry': () => pRetryOf(undefined),
  'async-retry': async () => {
    const { default: asyncRetry } = await import('async-retry');
    return (fn) => asyncRetry(fn, { retries: 2, minTimeout: waitMs, maxTimeout: waitMs });
  },
  effect: async () => {
    const { Effect, Schedule } = await import('effect');
    return (fn) => Effect.runPromise(Effect.retry(Effect.tryPromise(fn), Schedule.spaced(waitMs)));
  },
  makegood: () => policyOf(undefined),
  'makegood, one signal': () => policyOf(new AbortController().signal),
};

function failOnce(): Fn {
  let isFirst = true;
  return async () => {
    if (!isFirst) return 1;
    isFirst = false;
    throw failure;
  };
}

function collect(): NodeJS.MemoryUsage {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage();
}

async function measure(run: Run): Promise<Record<string, number>> {
  const before = collect();
  const startedMs = performance.now();
  const waiting = Array.from({ length: calls }, () => run(failOnce()));
  await delay(1);
  const start = performance.now() - startedMs;
  const { rss } = process.memoryUsage();
  const { heapUsed } = collect();
  const cpu = process.cpuUsage();
  await Promise.all(waiting);
  const { user, system } = process.cpuUsage(cpu);
  return {
    heap: (heapUsed - before.heapUsed) / calls,
    rss: (rss - before.rss) / 1e6,
    start,
    drain: (user + system) / 1000,
  };
}

if (import.meta.main) {
  const prepare = waiters[process.argv[4] ?? ''];
  if (prepare === undefined) throw new RangeError(`no waiter "${process.argv[4]}"`);
  console.log(JSON.stringify(await measure(await prepare())));
  process.exit();
}
