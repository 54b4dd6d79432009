/** What a storm came to. */
import { binMs, type StormTrace } from './simulate.ts';

export interface StormFigures {
  /** Requests for each fresh call, in the worst ten seconds of the brown-out. */
  readonly amplification: number;
  /** Requests in the worst second, as a multiple of the fresh calls a second. */
  readonly peak: number;
  /** Seconds from the end of the brown-out until 99 % of calls are answered in time again; `null` when that did not come. */
  readonly recoverySeconds: number | null;
  /** Share of all calls that succeeded, sooner or later. */
  readonly goodput: number;
}

const binsPerSecond = 1000 / binMs;
// Recovered is who stays so: for two seconds on end.
const steadyBins = 2 * binsPerSecond;

export function figuresOf(trace: StormTrace): StormFigures {
  const { plan, fresh, attempts, succeeded } = trace;
  const [from, to] = [plan.fromSecond * binsPerSecond, plan.toSecond * binsPerSecond];
  const window = Math.min(10 * binsPerSecond, to - from);
  const amplification = Math.max(
    ...range(from, to - window).map((bin) => sum(attempts, bin, bin + window) / sum(fresh, bin, bin + window)),
  );
  const busiest = Math.max(
    ...range(0, attempts.length - binsPerSecond).map((bin) => sum(attempts, bin, bin + binsPerSecond)),
  );
  return {
    amplification,
    peak: busiest / plan.offered,
    recoverySeconds: recoveryOf(trace, to),
    goodput: sum(succeeded, 0, succeeded.length) / sum(fresh, 0, fresh.length),
  };
}

function recoveryOf({ fresh, inTime }: StormTrace, to: number): number | null {
  const isWell = (bin: number): boolean => (inTime[bin] ?? 0) >= 0.99 * (fresh[bin] ?? 0);
  const recovered = range(to, fresh.length - steadyBins).find((bin) =>
    range(bin, bin + steadyBins - 1).every((later) => isWell(later)),
  );
  return recovered === undefined ? null : (recovered - to) / binsPerSecond;
}

/** The whole numbers from `first` to `last`. */
function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function sum(values: readonly number[], from: number, to: number): number {
  let total = 0;
  for (let index = from; index < to; index++) total += values[index] ?? 0;
  return total;
}
