// 1,000 callers fail at the same moment and wait before their third retry (400 ms without jitter).
// How many of them come back in each 50 ms? The busiest 50 ms are what the server must stand.
import { decorrelated, exponential, type Backoff, type Jitter } from 'makegood/backoff';
import { seededRandom } from 'makegood/testing';

const jitters: readonly Jitter[] = ['none', { proportional: 0.1 }, 'equal', 'full', 'decorrelated'];
const slotMs = 50;

/** The delay before the third retry, having drawn those before it. */
function thirdDelayMs(backoff: Backoff, random: () => number): number {
  let previousDelayMs: number | undefined;
  for (const retryNumber of [1, 2]) previousDelayMs = backoff.delayMs(retryNumber, { previousDelayMs, random });
  return backoff.delayMs(3, { previousDelayMs, random });
}

for (const jitter of jitters) {
  const random = seededRandom(2015);
  const backoff = jitter === 'decorrelated' ? decorrelated() : exponential({ jitter });
  const delays = Array.from({ length: 1000 }, () => thirdDelayMs(backoff, random));
  const slots = new Map<number, number>();
  for (const delay of delays) slots.set(Math.floor(delay / slotMs), (slots.get(Math.floor(delay / slotMs)) ?? 0) + 1);
  const name = typeof jitter === 'string' ? jitter : `±${jitter.proportional * 100} %`;
  const mean = Math.round(delays.reduce((sum, delay) => sum + delay, 0) / delays.length);
  const [least, most] = [Math.round(Math.min(...delays)), Math.round(Math.max(...delays))];
  console.log(`${name}: ${least} to ${most} ms, mean ${mean} ms, busiest ${slotMs} ms: ${Math.max(...slots.values())}`);
}
