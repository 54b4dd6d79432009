/**
 * Guards under a callee that fails in every way and processes that pause and die: retries within a budget, a bulkhead, a
 * rate limiter, a breaker that counts for itself or with others, and a time-out, one around the other.
 */
import { constant } from '../../backoff/constant.ts';
import { bulkhead } from '../../guards/bulkhead.ts';
import { circuitBreaker } from '../../guards/circuit-breaker.ts';
import { coordinatedGuard } from '../../guards/coordinated-guard.ts';
import { rateLimiter } from '../../guards/rate-limiter.ts';
import { retryBudget } from '../../guards/retry-budget.ts';
import { retryCounter } from '../../guards/retry-counter.ts';
import { timeout } from '../../guards/timeout.ts';
import { consecutiveFailures } from '../../guards/trip-rule.ts';
import { compose } from '../../policy/compose.ts';
import { seededRandom, type SeededRandom } from '../../ports/random.ts';
import { retry } from '../../retry/retry.ts';
import { GuardedCallee } from './guarded-callee.ts';
import { GuardLaws, type GuardSettings } from './guard-laws.ts';
import { Kernel } from './kernel.ts';
import { pick } from './shape.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { type InvariantName, Violation } from './violation.ts';

const timeoutMs = 500;
const faultyMs = 300_000;
/** A brown-out is over within this time of its end. */
const recoveryMs = 30_000;
const measuredMs = 30_000;

/** What a seed makes of the guards and their callers. */
interface GuardSwarm extends GuardSettings {
  readonly maxQueue: number;
  readonly maxAttempts: number;
  readonly threshold: number;
  readonly perSecond: number;
  /** Whether the breakers of all processes share one count. */
  readonly shares: boolean;
}

function draw(random: SeededRandom): GuardSwarm {
  const limit = pick(random, [10, 50, 200]);
  return {
    limit,
    burst: pick(random, [10, limit]),
    maxConcurrent: pick(random, [10, 20, 100]),
    maxQueue: pick(random, [0, 5, 50]),
    probes: pick(random, [1, 2, 5]),
    openForMs: pick(random, [500, 1000, 5000]),
    ratio: 0.1,
    minPerSecond: pick(random, [0, 1]),
    budgetWindowMs: 10_000,
    maxAttempts: pick(random, [1, 3, 5]),
    threshold: pick(random, [3, 10]),
    // A fifth is left free, as who recovers needs it.
    perSecond: limit * pick(random, [0.2, 0.4]),
    shares: random() < 0.5,
  };
}

/** One process that calls through guards of its own. */
class Caller {
  readonly process: SimulatedProcess;
  readonly laws: GuardLaws;
  answered = 0;
  offered = 0;
  private readonly kernel: Kernel;
  private readonly callee: GuardedCallee;
  private readonly random: SeededRandom;
  private readonly swarm: GuardSwarm;
  private readonly guards: ReturnType<typeof guardsFor>;

  constructor(
    kernel: Kernel,
    process: SimulatedProcess,
    callee: GuardedCallee,
    swarm: GuardSwarm,
    random: SeededRandom,
    shared: SharedArrayBuffer,
  ) {
    this.kernel = kernel;
    this.process = process;
    this.callee = callee;
    this.swarm = swarm;
    this.random = random;
    this.laws = new GuardLaws(swarm);
    this.guards = guardsFor(swarm, process, shared);
  }

  begin(untilMs: number): void {
    const gapMs = (-Math.log(1 - this.random()) * 1000) / this.swarm.perSecond;
    if (this.kernel.now + gapMs > untilMs) return;
    this.process.after(gapMs, 'request', () => {
      this.request().catch((error: unknown) => error instanceof Violation && this.kernel.fail(error));
      this.begin(untilMs);
    });
  }

  private async request(): Promise<void> {
    const { guards, laws, process, random, swarm } = this;
    const { clock } = process;
    this.offered++;
    laws.offered(clock.monotonicMs());
    const backoff = constant(200, { jitter: 'full' });
    await retry(({ number, signal }) => guards.stack.execute((call) => this.call(number, call.signal), { signal }), {
      maxAttempts: swarm.maxAttempts,
      backoff,
      budget: guards.budget,
      clock,
      random,
    });
    this.answered++;
  }

  private async call(number: number, signal: AbortSignal): Promise<string> {
    const { laws, process, guards } = this;
    const call = laws.begins(process.clock.monotonicMs(), number, guards.breaker.snapshot().state);
    signal.addEventListener('abort', () => laws.ended(call), { once: true });
    try {
      return await this.callee.serve(process);
    } finally {
      laws.ended(call);
    }
  }

  /** Whether everything that was held has been given back. */
  checkRest(): void {
    const { breaker, places, limiter } = this.guards;
    const left = [places.snapshot().running, places.snapshot().queued, limiter.snapshot().queued];
    const all = [...left, breaker.snapshot().probesInFlight, this.process.timers];
    if (all.some((count) => count !== 0))
      throw new Violation('I9c limits hold', `left: ${all.join(', ')} of places, lines, probes and timers`);
  }

  checkClosed(): void {
    const { state } = this.guards.breaker.snapshot();
    if (state !== 'closed') throw new Violation('L4 the breaker of a healthy callee closes', `it is ${state}`);
  }
}

function guardsFor(swarm: GuardSwarm, { clock }: SimulatedProcess, shared: SharedArrayBuffer) {
  const { maxConcurrent, maxQueue, limit, burst, probes, openForMs, threshold, shares } = swarm;
  const places = bulkhead({ maxConcurrent, maxQueue });
  const limiter = rateLimiter({ limit, per: '1s', burst, maxQueue, clock });
  const trip = consecutiveFailures(threshold);
  const breaker = circuitBreaker({ trip, openFor: openForMs, halfOpenProbes: probes, clock });
  const counter = retryCounter({ threshold, shared });
  const guard = shares ? coordinatedGuard({ counter, breaker }) : breaker;
  const stack = compose(places, limiter, guard, timeout(timeoutMs, { clock }));
  const { ratio, minPerSecond, budgetWindowMs: window } = swarm;
  return { places, limiter, breaker, stack, budget: retryBudget({ ratio, minPerSecond, window, clock }) };
}

/** What came of it. */
export interface GuardReport {
  readonly seed: number;
  readonly violation?: { readonly invariant: InvariantName; readonly message: string };
  readonly calls: number;
  readonly retries: number;
  readonly traceHash: string;
}

/** Runs callers and their guards, and checks the laws of guards all the way. */
export async function simulateGuards(seed: number): Promise<GuardReport> {
  const random = seededRandom(seed);
  const kernel = new Kernel(random);
  const swarm = draw(random.split('swarm'));
  const callee = new GuardedCallee(random.split('callee'));
  const shared = new SharedArrayBuffer(4);
  const callers: Caller[] = [];
  const everybody: Caller[] = [];
  const start = (place: number, untilMs: number): void => {
    const process = new SimulatedProcess(kernel, everybody.length, { skewMs: 0, rate: 1 });
    const own = random.split(`caller ${everybody.length}`);
    const caller = new Caller(kernel, process, callee, swarm, own, shared);
    callers[place] = caller;
    everybody.push(caller);
    caller.begin(untilMs);
  };
  const endMs = faultyMs + recoveryMs + measuredMs;
  for (let place = 0; place < 3; place++) start(place, endMs);
  beginTroubles(
    kernel,
    random.split('troubles'),
    callee,
    (place) => {
      callers[place]?.process.die();
      start(place, endMs);
    },
    callers,
  );
  let found: Violation | undefined;
  try {
    await kernel.run(faultyMs);
    callee.mood = 'well';
    await judgeRecovery(kernel, callers, swarm.openForMs);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    found = error;
  }
  const sum = (of: (caller: Caller) => number): number => everybody.reduce((total, caller) => total + of(caller), 0);
  return {
    seed,
    ...(found === undefined ? {} : { violation: { invariant: found.invariant, message: found.message } }),
    calls: sum(({ laws }) => laws.calls),
    retries: sum(({ laws }) => laws.retries),
    traceHash: kernel.trace.text,
  };
}

function beginTroubles(
  kernel: Kernel,
  random: SeededRandom,
  callee: GuardedCallee,
  replace: (place: number) => void,
  callers: readonly Caller[],
): void {
  const next = (): void => {
    const gapMs = random() * 15_000;
    if (kernel.now + gapMs >= faultyMs) return;
    kernel.after(gapMs, 'trouble', () => {
      const what = random();
      if (what < 0.7) callee.change();
      else if (what < 0.9) callers[Math.floor(random() * callers.length)]?.process.stop(random() * 10_000);
      else replace(Math.floor(random() * callers.length));
      next();
    });
  };
  next();
}

async function judgeRecovery(kernel: Kernel, callers: readonly Caller[], openForMs: number): Promise<void> {
  const longestPauseMs = 10_000;
  await kernel.run(faultyMs + longestPauseMs + openForMs + 5000);
  for (const caller of callers) caller.checkClosed();
  await kernel.run(faultyMs + recoveryMs);
  const before = callers.map(({ answered, offered }) => ({ answered, offered }));
  await kernel.run(faultyMs + recoveryMs + measuredMs + 5000);
  for (const [place, caller] of callers.entries()) {
    const offered = caller.offered - (before[place]?.offered ?? 0);
    const ratio = (caller.answered - (before[place]?.answered ?? 0)) / offered;
    if (offered > 0 && ratio < 0.99)
      throw new Violation('L5 a brown-out ends', `${(ratio * 100).toFixed(1)} % of ${offered} are answered`);
    caller.checkRest();
  }
}
