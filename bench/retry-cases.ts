/**
 * What is measured of a guarded call: each case, and how each system is used for it. All systems of a case do the same
 * work. Policies are made once and used for every call; `retry()`, p-retry and async-retry take their options with each
 * call, as they are meant to be used.
 */
export type Fn = (context?: unknown) => Promise<number>;
export type Run = (fn: Fn) => Promise<unknown>;

/** How a system is prepared for a case; `undefined` where it has nothing of the kind. */
type Systems = Readonly<Record<string, () => Promise<Run | undefined>>>;

export interface Case {
  readonly name: string;
  /** Made anew for each process. */
  readonly makeFn: () => Fn;
  readonly systems: Systems;
}

const failure = new Error('503');

const succeed = (): Fn => async () => 1;

const failTwice = (): Fn => {
  let calls = 0;
  return async () => {
    if (++calls % 3 !== 0) throw failure;
    return calls;
  };
};

const fail = (): Fn => async () => {
  throw failure;
};

const bare: Systems[string] = async () => (fn) => fn();
// What is refused at once, again and again, rejects: that is the answer that is measured.
const swallowing =
  (run: Run): Run =>
  (fn) =>
    run(fn).catch(() => undefined);

const makegood = {
  retry: () => import('../dist/retry/index.js'),
  backoff: () => import('../dist/backoff/index.js'),
  guards: () => import('../dist/guards/index.js'),
};

const always = { retryable: () => true, maxAttempts: 3 };

const retrying: Systems = {
  'bare loop': async () => async (fn) => {
    for (let number = 1; ; number++) {
      try {
        return await fn({ number, maxAttempts: 3 });
      } catch (error) {
        if (number === 3) throw error;
      }
    }
  },
  cockatiel: async () => {
    const { ConstantBackoff, handleAll, retry } = await import('cockatiel');
    const policy = retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(0) });
    return (fn) => policy.execute(fn);
  },
  'p-retry': async () => {
    const { default: pRetry } = await import('p-retry');
    return (fn) => pRetry(fn, { retries: 2, minTimeout: 0, maxTimeout: 0 });
  },
  'async-retry': async () => {
    const { default: asyncRetry } = await import('async-retry');
    return (fn) => asyncRetry(fn, { retries: 2, minTimeout: 0, maxTimeout: 0 });
  },
  effect: async () => {
    const { Effect } = await import('effect');
    return (fn) => Effect.runPromise(Effect.retry(Effect.tryPromise(fn), { times: 2 }));
  },
  'makegood policy': async () => {
    const [{ retryPolicy }, { constant }] = await Promise.all([makegood.retry(), makegood.backoff()]);
    const policy = retryPolicy({ ...always, backoff: constant(0), budget: false });
    return (fn) => policy.execute(fn);
  },
  'makegood policy, own budget': async () => {
    const [{ retryBudget, retryPolicy }, { constant }] = await Promise.all([makegood.retry(), makegood.backoff()]);
    const policy = retryPolicy({ ...always, backoff: constant(0), budget: retryBudget({ ratio: 2 }) });
    return (fn) => policy.execute(fn);
  },
  'makegood retry()': async () => {
    const [{ retry }, { constant }] = await Promise.all([makegood.retry(), makegood.backoff()]);
    const options = { ...always, backoff: constant(0) };
    return (fn) => retry(fn, options);
  },
};

const breaking: Systems = {
  'no breaker': bare,
  'cockatiel, consecutive': async () => {
    const { circuitBreaker, ConsecutiveBreaker, handleAll } = await import('cockatiel');
    const policy = circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(5) });
    return (fn) => policy.execute(fn);
  },
  'cockatiel, sampling': async () => {
    const { circuitBreaker, handleAll, SamplingBreaker } = await import('cockatiel');
    const breaker = new SamplingBreaker({ threshold: 0.5, duration: 10_000 });
    const policy = circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker });
    return (fn) => policy.execute(fn);
  },
  opossum: async () => {
    const { default: CircuitBreaker } = await import('opossum');
    const options = { timeout: false as const, resetTimeout: 3_600_000, volumeThreshold: 5 };
    const breaker = new CircuitBreaker((fn: Fn) => fn(), options);
    return (fn) => breaker.fire(fn);
  },
  'makegood, consecutive': async () => {
    const { circuitBreaker } = await makegood.guards();
    const breaker = circuitBreaker({ openFor: '1h' });
    return (fn) => breaker.execute(fn);
  },
  'makegood, count window': async () => {
    const { circuitBreaker, countWindow } = await makegood.guards();
    const trip = countWindow({ size: 100, minimum: 5, failureRatio: 0.5 });
    const breaker = circuitBreaker({ openFor: '1h', trip });
    return (fn) => breaker.execute(fn);
  },
  'makegood, time window': async () => {
    const { circuitBreaker, timeWindow } = await makegood.guards();
    const trip = timeWindow({ window: '10s', minimum: 5, failureRatio: 0.5 });
    const breaker = circuitBreaker({ openFor: '1h', trip });
    return (fn) => breaker.execute(fn);
  },
};

const refusing: Systems = Object.fromEntries(
  Object.entries(breaking)
    .filter(([name]) => ['cockatiel, consecutive', 'opossum', 'makegood, consecutive'].includes(name))
    .map(([name, prepare]) => [
      name,
      async () => {
        const run = await prepare();
        return run === undefined ? undefined : swallowing(run);
      },
    ]),
);

const bounding: Systems = {
  'no bulkhead': bare,
  cockatiel: async () => {
    const { bulkhead } = await import('cockatiel');
    const policy = bulkhead(100, 100);
    return (fn) => policy.execute(fn);
  },
  opossum: async () => {
    const { default: CircuitBreaker } = await import('opossum');
    const breaker = new CircuitBreaker((fn: Fn) => fn(), { timeout: false as const, capacity: 100 });
    return (fn) => breaker.fire(fn);
  },
  effect: async () => {
    const { Effect, Semaphore } = await import('effect');
    const semaphore = Semaphore.makeUnsafe(100);
    return (fn) => Effect.runPromise(semaphore.withPermits(1)(Effect.promise(() => fn())));
  },
  'makegood bulkhead': async () => {
    const { bulkhead } = await makegood.guards();
    const policy = bulkhead({ maxConcurrent: 100, maxQueue: 100 });
    return (fn) => policy.execute(fn);
  },
  'makegood rate limiter': async () => {
    const { rateLimiter } = await makegood.guards();
    const policy = rateLimiter({ limit: 1e9, per: '1s', burst: 1e9 });
    return (fn) => policy.execute(fn);
  },
};

const stacking: Systems = {
  'no guard': bare,
  'cockatiel (no budget)': async () => {
    const cockatiel = await import('cockatiel');
    const { bulkhead, circuitBreaker, ConsecutiveBreaker, ConstantBackoff, handleAll } = cockatiel;
    const policy = cockatiel.wrap(
      cockatiel.retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(0) }),
      circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) }),
      bulkhead(100, 100),
      cockatiel.timeout(2000, cockatiel.TimeoutStrategy.Aggressive),
    );
    return (fn) => policy.execute(fn);
  },
  makegood: async () => {
    const [{ retryPolicy }, { constant }, { bulkhead, circuitBreaker }] = await Promise.all([
      makegood.retry(),
      makegood.backoff(),
      makegood.guards(),
    ]);
    const guards = [circuitBreaker(), bulkhead({ maxConcurrent: 100, maxQueue: 100 })];
    const policy = retryPolicy({ ...always, backoff: constant(0), attemptTimeout: '2s', guards });
    return (fn) => policy.execute(fn);
  },
};

/** All cases, by name. */
export const cases: readonly Case[] = [
  { name: 'success at once', makeFn: succeed, systems: retrying },
  { name: 'fail twice, then succeed', makeFn: failTwice, systems: retrying },
  { name: 'breaker closed', makeFn: succeed, systems: breaking },
  { name: 'breaker open', makeFn: fail, systems: refusing },
  { name: 'bulkhead, limiter', makeFn: succeed, systems: bounding },
  { name: 'retry + breaker + bulkhead + time-out + budget', makeFn: succeed, systems: stacking },
];
