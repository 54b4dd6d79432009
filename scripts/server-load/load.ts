import { setTimeout as delay } from 'node:timers/promises';
import type { ServerUnderLoad } from './server-under-load.ts';

/** What a stretch of load came to. */
export interface Stretch {
  readonly sagas: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** How much is asked for how long; sagas are called `name-0` and so on. */
export interface Demand {
  readonly inFlight: number;
  readonly forMs: number;
  readonly name: string;
  /** No more starts a second than these. Default as many as there is room for. */
  readonly perSecond?: number | undefined;
}

/** Keeps so many sagas in flight for a while, each begun when one before it has ended. */
export async function load(
  server: ServerUnderLoad,
  { inFlight, forMs, name, perSecond = Infinity }: Demand,
): Promise<Stretch> {
  const times: number[] = [];
  const startedMs = performance.now();
  let number = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - startedMs < forMs) {
      const own = number++;
      const earlyMs = startedMs + (own * 1000) / perSecond - performance.now();
      if (earlyMs > 0) await delay(earlyMs);
      const beganMs = performance.now();
      await server.runSaga(`${name}-${own}`);
      times.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  const sorted = Float64Array.from(times).sort();
  return {
    sagas: times.length,
    perSecond: times.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}
