/** What guards must hold of the calls that they let through, whatever the callee does and whoever pauses. */
import type { CircuitState } from '../../guards/breaker-state.ts';
import { Violation } from './violation.ts';

/** How the guards of a world are set. */
export interface GuardSettings {
  readonly maxConcurrent: number;
  readonly limit: number;
  readonly burst: number;
  readonly probes: number;
  readonly openForMs: number;
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly budgetWindowMs: number;
}

// The tokens of a limiter and of a budget are numbers with a fraction.
const rounding = 1e-6;

/** Looks at every call of one process as it begins. */
export class GuardLaws {
  calls = 0;
  retries = 0;
  private readonly settings: GuardSettings;
  private readonly underWay = new Set<number>();
  private readonly probes = new Map<number, number>();
  private tokens: number;
  private lastMs = 0;
  private fresh = 0;
  /** The lowest that retries less what was allowed for them has been. */
  private leastSpent = 0;

  constructor(settings: GuardSettings) {
    this.settings = settings;
    this.tokens = settings.burst;
  }

  /** A request comes that nobody has made before. */
  offered(nowMs: number): void {
    this.leastSpent = Math.min(this.leastSpent, this.spent(nowMs));
    this.fresh++;
  }

  /** What retries have taken beyond what time and fresh calls have given. */
  private spent(nowMs: number): number {
    const { minPerSecond, ratio } = this.settings;
    return this.retries - (minPerSecond * nowMs) / 1000 - ratio * this.fresh;
  }

  /** A call begins, as the number-th attempt of its request, while the breaker is so. */
  begins(nowMs: number, attempt: number, state: CircuitState): number {
    const call = ++this.calls;
    this.underWay.add(call);
    this.checkBreaker(call, nowMs, state);
    this.checkBulkhead();
    this.checkLimiter(nowMs);
    if (attempt > 1) this.checkBudget(nowMs);
    return call;
  }

  private checkBreaker(call: number, nowMs: number, state: CircuitState): void {
    const { probes, openForMs } = this.settings;
    if (state === 'open') throw new Violation('I9 guards hold', 'an open breaker lets a call through');
    if (state === 'closed') return;
    // One whose caller does not come back loses its place after `openFor`.
    for (const [probe, sinceMs] of this.probes) if (nowMs - sinceMs >= openForMs) this.probes.delete(probe);
    this.probes.set(call, nowMs);
    if (this.probes.size > probes)
      throw new Violation('I9 guards hold', `${this.probes.size} probes at a time, allowed ${probes}`);
  }

  private checkBulkhead(): void {
    if (this.underWay.size > this.settings.maxConcurrent)
      throw new Violation('I9c limits hold', `${this.underWay.size} at a time, allowed ${this.settings.maxConcurrent}`);
  }

  private checkLimiter(nowMs: number): void {
    const { limit, burst } = this.settings;
    this.tokens = Math.min(burst, this.tokens + ((nowMs - this.lastMs) * limit) / 1000) - 1;
    this.lastMs = nowMs;
    if (this.tokens < -rounding)
      throw new Violation('I9c limits hold', `${-this.tokens} calls too many for their limit`);
  }

  private checkBudget(nowMs: number): void {
    this.leastSpent = Math.min(this.leastSpent, this.spent(nowMs));
    this.retries++;
    const { minPerSecond, budgetWindowMs } = this.settings;
    const capacity = Math.max(1, (minPerSecond * budgetWindowMs) / 1000);
    const beyond = this.spent(nowMs) - this.leastSpent - capacity;
    if (beyond > rounding) throw new Violation('I9b retries stay within their budget', `${beyond} retries too many`);
  }

  /** A call has ended, or its caller has left. */
  ended(call: number): void {
    this.underWay.delete(call);
    this.probes.delete(call);
  }
}
