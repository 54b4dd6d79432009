import type { AdmissionGuard, Departure } from '../policy/admission.ts';
import { AdmissionChain } from '../policy/admission-chain.ts';
import { AdmissionPolicy } from '../policy/admission-policy.ts';
import type { RefusedError } from '../policy/refused-error.ts';
import type { CircuitState } from './breaker-state.ts';
import { checkMethod } from '../options.ts';
import type { CircuitBreaker, CircuitBreakerSnapshot } from './circuit-breaker.ts';
import type { RetryCounter } from './retry-counter.ts';

/** The parts of a {@link coordinatedGuard}. */
export interface CoordinatedGuardParts {
  /** Counts the failures; shared between worker threads, if it is made so. */
  readonly counter: RetryCounter;
  /** Opens at the counter's threshold, whatever its own rule was. */
  readonly breaker: CircuitBreaker;
  /** Any guard that bounds how much passes while it is closed: a rate limiter, a bulkhead. Default none. */
  readonly limiter?: AdmissionGuard | undefined;
}

/** A breaker that also opens when the counter was raised to its threshold elsewhere. */
class CountedBreaker extends AdmissionPolicy {
  private readonly counter: RetryCounter;
  private readonly breaker: CircuitBreaker;

  constructor(counter: RetryCounter, breaker: CircuitBreaker) {
    super();
    this.counter = counter;
    this.breaker = breaker;
  }

  tryEnter(): number {
    this.heedCounter();
    return this.breaker.tryEnter();
  }

  leave(ticket: number, departure: Departure, error?: unknown): void {
    this.breaker.leave(ticket, departure, error);
  }

  refusal(): RefusedError {
    return this.breaker.refusal();
  }

  override wouldRefuse(delayMs: number): boolean {
    this.heedCounter();
    return this.breaker.wouldRefuse(delayMs);
  }

  private heedCounter(): void {
    const { counter, breaker } = this;
    if (breaker.state === 'closed' && counter.isTripped) breaker.open(`counter "${counter.name}" has tripped`);
  }
}

/**
 * Counter, breaker and limiter as one guard; {@link coordinatedGuard} makes one.
 *
 * @example
 * const guard = coordinatedGuard({ counter: retryCounter({ threshold: 2 }), breaker: circuitBreaker() });
 * for (let call = 0; call < 2; call++) guard.leave(guard.tryEnter(), 'failure');
 * guard.state // => 'open'
 */
export class CoordinatedGuard extends AdmissionChain {
  private readonly parts: CoordinatedGuardParts;

  constructor(parts: CoordinatedGuardParts) {
    const { counter, breaker, limiter } = parts;
    const counted = new CountedBreaker(counter, breaker);
    super(limiter === undefined ? [counted] : [limiter, counted]);
    this.parts = parts;
    breaker.tripBy(counter);
  }

  /** The breaker's state. */
  get state(): CircuitState {
    return this.parts.breaker.state;
  }

  /** How breaker and counter stand now. */
  snapshot(): CircuitBreakerSnapshot & { readonly count: number; readonly threshold: number } {
    const { counter, breaker } = this.parts;
    return { ...breaker.snapshot(), count: counter.count, threshold: counter.threshold };
  }
}

/**
 * Makes a counter, a breaker and a limiter work as one. Failures raise the counter; at its threshold the breaker opens, in
 * every worker thread that shares the counter, each with its next call; while it is open calls are refused, and `retry`
 * makes no retries; then probes pass, and when they are good the breaker closes and the counter is back to 0.
 *
 * The limiter is asked first, so that a call that had to wait for its turn asks the breaker when it is really made; of a
 * call that the breaker refuses the limiter takes its token back. What counts as a failure is the breaker's `isFailure`.
 *
 * @param parts.counter counts the failures; `retryCounter({ threshold, shared })`.
 * @param parts.breaker opens; its own `trip` rule is replaced by the counter.
 * @param parts.limiter bounds what passes. Default none.
 * @throws {TypeError} when a part is missing.
 * @example
 * const payments = coordinatedGuard({
 *   counter: retryCounter({ threshold: 5 }),
 *   breaker: circuitBreaker({ name: 'payments', openFor: '10s' }),
 *   limiter: rateLimiter({ limit: 100 }),
 * });
 * await payments.execute(() => 'paid') // => 'paid'
 */
export function coordinatedGuard(parts: CoordinatedGuardParts): CoordinatedGuard {
  checkMethod('counter', parts.counter, 'raise', 'a retryCounter');
  checkMethod('breaker', parts.breaker, 'tripBy', 'a circuitBreaker');
  if (parts.limiter !== undefined) checkMethod('limiter', parts.limiter, 'tryEnter', 'a guard such as a rateLimiter');
  return new CoordinatedGuard(parts);
}
