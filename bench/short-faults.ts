/**
 * What a retry budget lets one process ride out: a callee that fails for some milliseconds every twenty seconds, in virtual
 * time and of one seed: `node short-faults.ts`. Shown is the share of the calls that met a fault and were lost.
 */
import { retryBudget } from '../src/guards/retry-budget.ts';
import { seededRandom } from '../src/ports/random.ts';
import { retryPolicy } from '../src/retry/retry-policy.ts';
import { testClock } from '../src/testing/test-clock.ts';
import type { Duration } from '../src/time/duration.ts';
import { type Figures, table } from './report.ts';

const everyMs = 20_000;
/** Late in each round, when the bucket is full again. */
const fromMs = 15_000;
const faults = 60;

const failure = Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });

/** The share of calls lost, of those that met a fault. */
async function shareLost(callsPerSecond: number, faultMs: number, window: Duration): Promise<number> {
  const clock = testClock();
  const random = seededRandom(5);
  const arrivals = random.split('arrivals');
  const budget = retryBudget({ clock, window });
  const policy = retryPolicy({ clock, random: random.split('jitter'), budget });
  const isDown = (): boolean => {
    const intoRoundMs = clock.monotonicMs() % everyMs;
    return intoRoundMs >= fromMs && intoRoundMs < fromMs + faultMs;
  };
  let [met, lost] = [0, 0];
  const call = async (): Promise<void> => {
    if (isDown()) met += 1;
    try {
      await policy.execute(() => (isDown() ? Promise.reject(failure) : undefined));
    } catch {
      lost += 1;
    }
  };
  const arriveLater = (): void => {
    const gapMs = (-Math.log(1 - arrivals()) / callsPerSecond) * 1000;
    if (clock.monotonicMs() + gapMs > everyMs * faults) return;
    clock.setTimer(gapMs, () => {
      void call();
      arriveLater();
    });
  };
  arriveLater();
  await clock.runAll({ maxTimers: Infinity });
  return lost / met;
}

const rows: Figures[] = [];
for (const callsPerSecond of [1, 10, 50, 200]) {
  for (const faultMs of [100, 300]) {
    const cells: Record<string, string> = { 'calls a second': String(callsPerSecond), 'fault, ms': String(faultMs) };
    for (const [bucket, window] of [
      [10, '10s'],
      [5, '5s'],
      [3, '3s'],
    ] as const) {
      cells[`bucket of ${bucket}`] = `${Math.round(100 * (await shareLost(callsPerSecond, faultMs, window)))} %`;
    }
    rows.push(cells);
  }
}
console.log(table(rows));
