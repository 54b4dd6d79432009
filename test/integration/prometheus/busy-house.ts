/** A process with retries and sagas of every kind, for metrics that show them all. */
import { constant } from '../../../src/backoff/index.ts';
import { circuitBreaker, consecutiveFailures } from '../../../src/guards/index.ts';
import { memoryJournal } from '../../../src/journal/index.ts';
import type { TelemetryEvent } from '../../../src/adapters/opentelemetry/index.ts';
import type { Observer } from '../../../src/ports/index.ts';
import { retry, retryBudget } from '../../../src/retry/index.ts';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';
import { type TestClock, testClock } from '../../../src/testing/index.ts';

const failure = (status: number): Error => Object.assign(new Error('no'), { status });

const fail = (): Promise<never> => Promise.reject(failure(429));

/** Makes calls that succeed, are retried, fail, find their budget empty and are aborted, and sagas that end every way. */
export async function keepBusy(observer: Observer<TelemetryEvent>, round: number): Promise<void> {
  const clock = testClock();
  await makeCalls(observer, clock);
  await meetGuards(observer, clock, round);
  await makeSagas(observer, clock, round);
}

/** Opens a breaker, which closes again in every second round, and refuses a call. */
async function meetGuards(observer: Observer<TelemetryEvent>, clock: TestClock, round: number): Promise<void> {
  const breaker = circuitBreaker({ name: 'payments', trip: consecutiveFailures(1), openFor: '1s', clock, observer });
  await breaker.execute(fail).catch(() => undefined);
  await breaker.execute(fail).catch(() => undefined);
  if (round % 2 !== 0) return;
  await clock.advance(1000);
  await breaker.execute(async () => 'probe');
}

async function makeCalls(observer: Observer<TelemetryEvent>, clock: TestClock): Promise<void> {
  const options = { observer, clock, name: 'page', backoff: constant(100), retryable: () => true };
  let calls = 0;
  const flaky = async (): Promise<void> => {
    if (++calls % 2 === 1) throw failure(503);
  };
  const empty = retryBudget({ ratio: 0, minPerSecond: 0, clock });
  empty.withdraw();
  const ends = [
    retry(async () => 'fine', options),
    retry(flaky, options),
    retry(fail, { ...options, maxAttempts: 2 }),
    retry(fail, { ...options, name: 'search "all"\\', budget: empty }),
    retry(fail, { ...options, signal: AbortSignal.abort() }),
  ];
  const settled = Promise.allSettled(ends);
  await clock.runAll();
  await settled;
}

async function makeSagas(observer: Observer<TelemetryEvent>, clock: TestClock, round: number): Promise<void> {
  const order = saga('place-order')
    .input<'completed' | 'compensated' | 'needs-human'>()
    .step('reserve', {
      run: () => 'r1',
      compensate: ({ input }) => {
        if (input === 'needs-human') throw failure(500);
      },
    })
    .step('charge', {
      run: ({ input, attempt }) => {
        if (input !== 'completed') throw new TerminalError('declined');
        if (attempt === 1) throw failure(503);
      },
      compensate: () => undefined,
      retry: { maxAttempts: 2, backoff: constant(50), retryable: () => true },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [order], clock, observer });
  for (const input of ['completed', 'compensated', 'needs-human'] as const) {
    await tempo.start(order, { id: `${input}-${round}`, input });
  }
  await clock.advance(60_000);
}
