import type { Departure } from '../policy/admission.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toPositiveMs } from '../time/duration.ts';
import { type BreakerRules, BreakerState, type CircuitState } from './breaker-state.ts';
import { checkFunction, checkInteger, checkMethod } from '../options.ts';
import { CircuitOpenError } from './circuit-open-error.ts';
import type { BreakerEvent } from './guard-events.ts';
import { ObservedGuard, type ObservedGuardOptions } from './observed-guard.ts';
import { consecutiveFailures, type TripRule } from './trip-rule.ts';

/** Options of {@link circuitBreaker}. */
export interface CircuitBreakerOptions extends ObservedGuardOptions<BreakerEvent> {
  /** When it opens. Default `consecutiveFailures(5)`. */
  readonly trip?: TripRule | undefined;
  /** How long it refuses calls before it lets probes through. Default `'10s'`. */
  readonly openFor?: Duration | undefined;
  /** How many probes pass while half-open; that many must succeed for it to close. Default 1. */
  readonly halfOpenProbes?: number | undefined;
  /**
   * Which errors count as failures of the callee; others count as answers, that is as successes. An abort and the refusal
   * of another guard are never asked about: they count as nothing. Default: every error.
   */
  readonly isFailure?: ErrorTest | undefined;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock | undefined;
}

/** Defaults of {@link circuitBreaker}: five failures in a row open it for ten seconds, then one probe. */
export const circuitBreakerDefaults: {
  readonly name: string;
  readonly trip: TripRule;
  readonly openFor: Duration;
  readonly halfOpenProbes: number;
} = /* @__PURE__ */ Object.freeze({
  name: 'circuit breaker',
  trip: /* @__PURE__ */ consecutiveFailures(5),
  openFor: '10s',
  halfOpenProbes: 1,
});

/** A circuit breaker as it stands, as plain data. */
export interface CircuitBreakerSnapshot {
  readonly state: CircuitState;
  /** Whether somebody has opened it by hand for good. */
  readonly isolated: boolean;
  /** Failures that its rule counts now; once it has opened, those that opened it. */
  readonly failures: number;
  /** Time until probes may pass, in milliseconds: 0 when they may, `Infinity` while isolated. */
  readonly nextProbeMs: number;
  /** Probes under way. */
  readonly probesInFlight: number;
}

/**
 * Refuses calls to a callee that keeps failing, and tries now and then whether it is back; {@link circuitBreaker} makes one.
 *
 * @example
 * const breaker = circuitBreaker({ name: 'payments' });
 * breaker.isolate();
 * breaker.snapshot().isolated // => true
 */
export class CircuitBreaker extends ObservedGuard<BreakerEvent> {
  private readonly machine: BreakerState;
  private readonly isFailure: ErrorTest | undefined;
  private readonly clock: Clock;

  constructor(
    name: string,
    rules: BreakerRules,
    options: Pick<CircuitBreakerOptions, 'observer' | 'isFailure' | 'clock'>,
  ) {
    super(name, options.observer);
    this.machine = new BreakerState(rules);
    this.isFailure = checkFunction('isFailure', options.isFailure);
    this.clock = checkMethod('clock', options.clock ?? systemClock, 'monotonicMs', 'a Clock');
  }

  /** Whether calls pass. It stays `open` until a call comes after `openFor`, which is then the first probe. */
  get state(): CircuitState {
    return this.machine.state;
  }

  tryEnter(): number {
    const { machine } = this;
    if (machine.state === 'closed') return machine.generation;
    const from = machine.state;
    const ticket = machine.enterAsProbe(this.clock.monotonicMs());
    if (machine.state !== from) this.tellChange(from);
    return ticket;
  }

  leave(ticket: number, departure: Departure, error?: unknown): void {
    const { machine } = this;
    const from = machine.state;
    if (departure === 'success') machine.succeed(ticket, machine.rules.trip.timed ? this.clock.monotonicMs() : 0);
    else if (departure !== 'failure') machine.release(ticket);
    else if (this.countsAsFailure(this.isFailure, error)) machine.fail(ticket, this.clock.monotonicMs());
    else machine.succeed(ticket, this.clock.monotonicMs());
    if (machine.state !== from) this.tellChange(from);
  }

  override wouldRefuse(delayMs: number): boolean {
    const { state, openUntilMs } = this.machine;
    return state === 'open' && this.clock.monotonicMs() + delayMs < openUntilMs;
  }

  /** Opens it as if its rule had tripped: probes follow after `openFor`. */
  open(reason: string = 'it was opened by hand'): void {
    const from = this.machine.state;
    this.machine.open(this.clock.monotonicMs(), reason);
    this.tellChange(from);
  }

  /** Opens it for good: no probes pass until {@link CircuitBreaker.close}. For a callee that is to be left alone. */
  isolate(): void {
    const from = this.machine.state;
    this.machine.isolate(this.clock.monotonicMs());
    this.tellChange(from);
  }

  /** Closes it, whatever it was, and forgets what it has counted. */
  close(): void {
    const from = this.machine.state;
    this.machine.close();
    if (from !== 'closed') this.tellChange(from);
  }

  /** Counts by another rule from now on; what was counted so far is forgotten, the state stays. */
  tripBy(trip: TripRule): void {
    this.machine.tripBy(checkTrip(trip));
  }

  /** How it stands now. */
  snapshot(): CircuitBreakerSnapshot {
    const { machine } = this;
    const { state, probesInFlight } = machine;
    const nowMs = this.clock.monotonicMs();
    const nextProbeMs = state === 'open' ? Math.max(0, machine.openUntilMs - nowMs) : 0;
    return { state, isolated: this.isIsolated, failures: machine.failuresAt(nowMs), nextProbeMs, probesInFlight };
  }

  protected makeRefusal(): CircuitOpenError {
    const { state, failuresAtOpening: failures, openUntilMs, reason } = this.machine;
    const nextProbeMs = state === 'open' ? Math.max(0, openUntilMs - this.clock.monotonicMs()) : undefined;
    return new CircuitOpenError(this.name, { state, failures, reason, nextProbeMs });
  }

  private get isIsolated(): boolean {
    return this.machine.state === 'open' && this.machine.openUntilMs === Infinity;
  }

  private tellChange(from: CircuitState): void {
    const { name, machine } = this;
    if (machine.state === 'half-open') this.tell({ type: 'breaker.half-opened', name });
    else if (machine.state === 'closed') this.tell({ type: 'breaker.closed', name, from });
    else {
      const { reason, failuresAtOpening: failures, rules } = machine;
      const openForMs = this.isIsolated ? Infinity : rules.openForMs;
      this.tell({ type: 'breaker.opened', name, from, reason, failures, openForMs });
    }
  }
}

/**
 * Makes a circuit breaker: calls pass while it is closed; once its callee has failed too often it opens, and refuses
 * calls at once with a {@link CircuitOpenError}, without calling the function; after `openFor` it is half-open, and
 * exactly `halfOpenProbes` calls pass. When they all succeed it closes, when one fails it opens again.
 *
 * Share one among all calls to the same callee. Put it inside `retry`, where it sees every attempt.
 *
 * @param options.name what it protects; in errors and events. Default `'circuit breaker'`.
 * @param options.trip when it opens: `consecutiveFailures`, `countWindow` or `timeWindow`. Default 5 failures in a row.
 * @param options.openFor how long it stays open. Default `'10s'`.
 * @param options.halfOpenProbes how many probes pass, and must succeed. Default 1.
 * @param options.isFailure which errors count. Default: every error; aborts and refusals never do.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @see M. Nygard, "Release It!", 2007, chapter 5 "Stability Patterns": Circuit Breaker.
 * @example
 * const breaker = circuitBreaker({ name: 'payments', trip: consecutiveFailures(1), openFor: '1h' });
 * await breaker.execute(() => Promise.reject(new Error('503'))).catch(() => 'failed');
 * const next = await breaker.execute(() => 'paid').catch((error) => error.code);
 * next // => 'MAKEGOOD_CIRCUIT_OPEN'
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const {
    name = circuitBreakerDefaults.name,
    trip = circuitBreakerDefaults.trip,
    openFor = circuitBreakerDefaults.openFor,
    halfOpenProbes = circuitBreakerDefaults.halfOpenProbes,
  } = options;
  checkTrip(trip);
  const openForMs = toPositiveMs(openFor, 'openFor');
  checkInteger('halfOpenProbes', halfOpenProbes, 1);
  return new CircuitBreaker(name, { trip, openForMs, halfOpenProbes }, options);
}

function checkTrip(trip: TripRule): TripRule {
  return checkMethod('trip', trip, 'start', 'a rule such as consecutiveFailures(5)');
}
