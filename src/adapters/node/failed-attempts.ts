import type { Clock } from '../../ports/clock.ts';

const windowMs = 60_000;
const mostFailures = 10;
// Whoever makes up names would else fill the memory; the oldest are forgotten.
const sourcesKept = 10_000;

interface Failures {
  count: number;
  sinceMs: number;
}

/** Counts failed attempts to authenticate, by their source, a minute at a time. */
export class FailedAttempts {
  private readonly clock: Clock;
  private readonly bySource = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** How long nothing of this source is looked at; 0 when it may try. */
  blockedMs(source: string): number {
    const failures = this.bySource.get(source);
    if (failures === undefined || failures.count < mostFailures) return 0;
    return Math.max(0, failures.sinceMs + windowMs - this.clock.monotonicMs());
  }

  note(source: string): void {
    const nowMs = this.clock.monotonicMs();
    const failures = this.bySource.get(source);
    if (failures !== undefined && nowMs - failures.sinceMs < windowMs) {
      failures.count++;
      return;
    }
    this.bySource.delete(source);
    this.bySource.set(source, { count: 1, sinceMs: nowMs });
    const [oldest] = this.bySource.keys();
    if (this.bySource.size > sourcesKept && oldest !== undefined) this.bySource.delete(oldest);
  }
}
