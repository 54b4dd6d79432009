/**
 * Peers on the storm's clock. They take no clock, so their process's timers and clocks are replaced by the storm's before
 * they are loaded; what they then do is their own code. Their options are the nearest to makegood's defaults.
 */
import type { StormWorld, System } from './simulate.ts';

/** The storm's clock, once there is one; the replaced functions ask it. */
let current: StormWorld | undefined;

function world(): StormWorld {
  if (current === undefined) throw new Error('the storm has not begun');
  return current;
}

function setTimer(callback: (...given: unknown[]) => void, delayMs: number = 0, ...given: unknown[]): object {
  const handle = world().clock.setTimer(delayMs, () => callback(...given));
  return { handle, unref: () => undefined, ref: () => undefined };
}

function clearTimer(timer: { readonly handle: unknown } | undefined): void {
  world().clock.clearTimer(timer?.handle);
}

/** Puts the storm's time and chance in the place of the machine's. */
function replaceGlobals(): void {
  Object.assign(globalThis, { setTimeout: setTimer, clearTimeout: clearTimer });
  Object.assign(Date, { now: () => world().clock.now() });
  Object.assign(performance, { now: () => world().clock.monotonicMs() });
  Object.assign(Math, { random: () => world().random() });
}

async function cockatielSystem(withBreaker: boolean): Promise<System> {
  const { circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleAll, retry, timeout, TimeoutStrategy, wrap } =
    await import('cockatiel');
  return (storm) => {
    current = storm;
    const backoff = new ExponentialBackoff({ initialDelay: 100, maxDelay: 5000 });
    const again = retry(handleAll, { maxAttempts: 3, backoff });
    const limit = timeout(storm.plan.patienceMs, TimeoutStrategy.Aggressive);
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) });
    const policy = withBreaker ? wrap(again, breaker, limit) : wrap(again, limit);
    return () =>
      policy.execute(async ({ signal }: { signal: AbortSignal }) => {
        const sent = storm.send(storm.plan.patienceMs);
        signal.addEventListener('abort', () => sent.leave(), { once: true });
        await sent.answered;
      });
  };
}

async function pRetrySystem(): Promise<System> {
  const { default: pRetry } = await import('p-retry');
  return (storm) => {
    current = storm;
    const { patienceMs } = storm.plan;
    // It has no limit of an attempt; callers bring their own.
    const attempt = async (): Promise<void> => {
      const sent = storm.send(patienceMs);
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = storm.clock.setTimer(patienceMs, () => {
        sent.leave();
        reject(new Error('timed out'));
      });
      await Promise.race([sent.answered, late]);
      storm.clock.clearTimer(timer);
    };
    return () => pRetry(attempt, { retries: 3, minTimeout: 100, factor: 2, maxTimeout: 5000, randomize: true });
  };
}

const makers: Readonly<Record<string, () => Promise<System>>> = {
  'cockatiel 4.0.0 retry': () => cockatielSystem(false),
  'cockatiel 4.0.0 retry + breaker': () => cockatielSystem(true),
  'p-retry 9.0.0': pRetrySystem,
};

export const peerNames: readonly string[] = Object.keys(makers);

/** Loads a peer, for the rest of this process's life on the storm's time. */
export async function loadPeer(name: string): Promise<System | undefined> {
  const make = makers[name];
  if (make === undefined) return undefined;
  replaceGlobals();
  return await make();
}
