/**
 * Makes a failing run small: fewer hours, fewer classes of faults, fewer faults. Each step is kept when the same invariant
 * is broken without what was left out.
 *
 * @see Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002 (ddmin).
 */
import type { Struck } from './faults.ts';
import { simulate, type SimulationReport, warmUpMs } from './simulate.ts';

/** How far to go. */
export interface ShrinkOptions {
  /** At most so many runs. Default 60. */
  readonly maxRuns?: number;
  /** Is told what is tried. */
  readonly onRun?: (faults: number, isKept: boolean) => void;
}

class Shrinking {
  best: SimulationReport;
  private left: number;
  private readonly onRun: ShrinkOptions['onRun'];

  constructor(report: SimulationReport, { maxRuns = 60, onRun }: ShrinkOptions) {
    this.best = report;
    this.left = maxRuns;
    this.onRun = onRun;
  }

  get over(): boolean {
    return this.left <= 0;
  }

  /** Whether the same is broken with only these faults, in so many hours. */
  async holds(faults: readonly Struck[], hours: number): Promise<boolean> {
    if (this.over) return false;
    this.left--;
    const { seed, profile, plan, violation } = this.best;
    const report = await simulate({ seed, profile, plan, hours, faults });
    const isKept = report.violation?.invariant === violation?.invariant;
    if (isKept) this.best = report;
    this.onRun?.(faults.length, isKept);
    return isKept;
  }
}

async function shrinkHours(shrinking: Shrinking): Promise<void> {
  const { violation, struck, hours } = shrinking.best;
  const needed = ((violation?.at ?? Infinity) - warmUpMs) / 3_600_000;
  // A run ends with its violation; what is left to try is whether it comes in the settling after fewer hours of faults.
  await shrinking.holds(struck, Math.max(0.01, Math.min(hours, needed)));
  for (let tried = 0; tried < 4; tried++) {
    const half = shrinking.best.hours / 2;
    if (half < 0.01 || !(await shrinking.holds(shrinking.best.struck, half))) break;
  }
}

async function shrinkClasses(shrinking: Shrinking): Promise<void> {
  for (const kind of new Set(shrinking.best.struck.map(([each]) => each))) {
    const without = shrinking.best.struck.filter(([each]) => each !== kind);
    await shrinking.holds(without, shrinking.best.hours);
  }
}

async function shrinkFaults(shrinking: Shrinking): Promise<void> {
  let parts = 2;
  while (shrinking.best.struck.length >= 2 && !shrinking.over) {
    const { struck, hours } = shrinking.best;
    const size = Math.ceil(struck.length / parts);
    let isSmaller = false;
    for (let start = 0; start < struck.length && !isSmaller; start += size)
      isSmaller = await shrinking.holds([...struck.slice(0, start), ...struck.slice(start + size)], hours);
    if (isSmaller) parts = Math.max(2, parts - 1);
    else if (parts >= struck.length) return;
    else parts = Math.min(struck.length, parts * 2);
  }
}

/**
 * Looks for a smaller run that breaks the same invariant.
 *
 * @param report a run that broke one; others are given back as they are.
 */
export async function shrink(report: SimulationReport, options: ShrinkOptions = {}): Promise<SimulationReport> {
  if (report.violation === undefined) return report;
  const shrinking = new Shrinking(report, options);
  await shrinkHours(shrinking);
  await shrinkClasses(shrinking);
  await shrinkFaults(shrinking);
  return shrinking.best;
}
