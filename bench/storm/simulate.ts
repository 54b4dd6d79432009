/** One storm: callers that arrive by chance, a server that is overwhelmed for a while, and what became of every call. */
import { seededRandom } from '../../src/ports/random.ts';
import type { Random } from '../../src/ports/random.ts';
import { type TestClock, testClock } from '../../src/testing/test-clock.ts';
import { type Hearing, type Sent, Server } from './server.ts';

export interface StormPlan {
  readonly seed: number;
  readonly hearing: Hearing;
  /** Fresh calls a second. */
  readonly offered: number;
  /** Requests a second that the server can serve, and what is left of that during the brown-out. */
  readonly capacity: number;
  readonly brownOutShare: number;
  /** When the brown-out begins and ends, and when the last call is made, in seconds. */
  readonly fromSecond: number;
  readonly toSecond: number;
  readonly seconds: number;
  /** How long a caller waits for one answer. */
  readonly patienceMs: number;
  /** Among how many processes, each with policies of its own, the calls are spread. */
  readonly processes: number;
}

/** What a system of retries has to work with. */
export interface StormWorld {
  readonly plan: StormPlan;
  readonly clock: TestClock;
  readonly random: Random;
  /** Sends one request to the server. */
  send(remainingMs: number): Sent;
}

/** Makes one call, with all its retries; rejects when it gives up. */
export type MakeCall = () => Promise<unknown>;

/** A system under test, set up in one process of the clients. */
export type System = (world: StormWorld) => MakeCall;

/** What happened, in bins of a quarter of a second. */
export interface StormTrace {
  readonly plan: StormPlan;
  /** Fresh calls, by the bin they began in. */
  readonly fresh: number[];
  /** Requests that reached the server. */
  readonly attempts: number[];
  /** Calls that succeeded, and those of them within one patience, by the bin they began in. */
  readonly succeeded: number[];
  readonly inTime: number[];
}

export const binMs = 250;

export async function simulate(system: System, plan: StormPlan): Promise<StormTrace> {
  const clock = testClock();
  const random = seededRandom(plan.seed);
  const bins = Math.ceil((plan.seconds * 1000) / binMs);
  const trace: StormTrace = {
    plan,
    fresh: zeros(bins),
    attempts: zeros(bins),
    succeeded: zeros(bins),
    inTime: zeros(bins),
  };
  const count = (list: number[], ms: number): void => {
    const bin = Math.floor(ms / binMs);
    if (bin < list.length) list[bin] = (list[bin] ?? 0) + 1;
  };
  const isBrownOut = (ms: number): boolean => ms >= plan.fromSecond * 1000 && ms < plan.toSecond * 1000;
  const server = new Server({
    clock,
    random: random.split('service'),
    hearing: plan.hearing,
    capacityAt: (ms) => plan.capacity * (isBrownOut(ms) ? plan.brownOutShare : 1),
    arrived: () => count(trace.attempts, clock.monotonicMs()),
  });
  const processes = Array.from({ length: plan.processes }, (_, index) =>
    system({ plan, clock, random: random.split(`process ${index}`), send: (remainingMs) => server.send(remainingMs) }),
  );

  const call = async (makeCall: MakeCall): Promise<void> => {
    const begunMs = clock.monotonicMs();
    count(trace.fresh, begunMs);
    try {
      await makeCall();
    } catch {
      return;
    }
    count(trace.succeeded, begunMs);
    if (clock.monotonicMs() - begunMs <= plan.patienceMs) count(trace.inTime, begunMs);
  };
  const arrivals = random.split('arrivals');
  let next = 0;
  const arrive = (): void => {
    const makeCall = processes[next++ % processes.length];
    if (makeCall !== undefined) void call(makeCall);
    arriveLater();
  };
  const arriveLater = (): void => {
    const gapMs = (-Math.log(1 - arrivals()) / plan.offered) * 1000;
    if (clock.monotonicMs() + gapMs < plan.seconds * 1000) clock.setTimer(gapMs, arrive);
  };
  arriveLater();
  await clock.runAll({ maxTimers: Infinity });
  return trace;
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}
