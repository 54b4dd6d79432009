import { refused } from '../policy/admission.ts';
import type { FailureTally, TripRule } from './trip-rule.ts';

//            the rule trips, or open()                    openFor has passed, and a call comes
//   closed ────────────────────────────► open ────────────────────────────────────► half-open
//      ▲                                   ▲                                             │ │
//      │                                   └──────────────── a probe failed ─────────────┘ │
//      └──────────────────────────────────────────────────── as many probes succeeded ─────┘
//
// isolate() opens from anywhere and for ever, close() closes from anywhere.
//
// Every change of state begins a new generation, and a call's ticket is the generation it entered in. So what an older
// call brings back is known as stale, and moves nothing.

/** `closed`: calls pass. `open`: they are refused. `half-open`: a few probes pass, to see whether the callee is back. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** The fixed facts of a breaker. */
export interface BreakerRules {
  readonly trip: TripRule;
  readonly openForMs: number;
  /** How many probes pass while half-open, and how many must succeed. */
  readonly halfOpenProbes: number;
}

/**
 * The state machine of a circuit breaker: no clock, no observer, no promises; whoever calls it tells the time.
 *
 * Holds while half-open: a probe enters only while probes in flight + probes that succeeded < `halfOpenProbes`. When that
 * lets nobody in and the last probe entered more than `openForMs` ago, those in flight are taken for lost with their
 * callers: they no longer hold a place, though their results still count.
 */
export class BreakerState {
  rules: BreakerRules;
  state: CircuitState = 'closed';
  generation = 0;
  /** When probes may pass, while open; `Infinity` while isolated. */
  openUntilMs = 0;
  /** Why it opened last, in words. */
  reason = '';
  /** Failures counted when it opened last. */
  failuresAtOpening = 0;
  private tally: FailureTally;
  /** Probes under way while half-open, but for those taken for lost. */
  probesInFlight = 0;
  /** While half-open: the generation that it began with, probes that succeeded, when the last one entered. */
  private firstProbe = 0;
  private succeeded = 0;
  private lastProbeMs = 0;

  constructor(rules: BreakerRules) {
    this.rules = rules;
    this.tally = rules.trip.start();
  }

  failuresAt(nowMs: number): number {
    return this.state === 'closed' ? this.tally.failuresAt(nowMs) : this.failuresAtOpening;
  }

  /** A ticket for a call that comes while not closed, or {@link refused}. */
  enterAsProbe(nowMs: number): number {
    if (this.state === 'open') {
      if (nowMs < this.openUntilMs) return refused;
      this.halfOpen();
    } else if (this.probesInFlight + this.succeeded >= this.rules.halfOpenProbes) {
      if (nowMs - this.lastProbeMs < this.rules.openForMs) return refused;
      this.generation += 1;
      this.probesInFlight = 0;
    }
    this.probesInFlight += 1;
    this.lastProbeMs = nowMs;
    return this.generation;
  }

  /** A call that succeeded. `nowMs` matters only to a timed rule. */
  succeed(ticket: number, nowMs: number): void {
    if (this.state === 'closed') {
      if (ticket === this.generation) this.tally.note(false, nowMs);
    } else if (this.isProbe(ticket)) {
      this.release(ticket);
      this.succeeded += 1;
      if (this.succeeded >= this.rules.halfOpenProbes) this.close();
    }
  }

  /** A call that failed. */
  fail(ticket: number, nowMs: number): void {
    if (this.isProbe(ticket)) this.open(nowMs, 'a probe failed');
    else if (this.state === 'closed' && ticket === this.generation && this.tally.note(true, nowMs)) {
      this.open(nowMs, this.tally.describe());
    }
  }

  /** A call that says nothing about the callee: a probe's place is given to another. */
  release(ticket: number): void {
    if (this.state === 'half-open' && ticket === this.generation) this.probesInFlight -= 1;
  }

  open(nowMs: number, reason: string): void {
    this.failuresAtOpening = this.failuresAt(nowMs);
    this.change('open');
    this.openUntilMs = nowMs + this.rules.openForMs;
    this.reason = reason;
  }

  isolate(nowMs: number): void {
    this.open(nowMs, 'it was isolated by hand');
    this.openUntilMs = Infinity;
  }

  close(): void {
    this.change('closed');
    this.failuresAtOpening = 0;
    this.tally.reset();
  }

  /** Counts by another rule from now on. */
  tripBy(trip: TripRule): void {
    this.rules = { ...this.rules, trip };
    this.tally = trip.start();
  }

  private halfOpen(): void {
    this.change('half-open');
    this.firstProbe = this.generation;
    this.succeeded = 0;
  }

  /** Whether it is a probe of the half-open time that lasts, be it one taken for lost. */
  private isProbe(ticket: number): boolean {
    return this.state === 'half-open' && ticket >= this.firstProbe;
  }

  private change(state: CircuitState): void {
    this.state = state;
    this.generation += 1;
    this.probesInFlight = 0;
  }
}
