/**
 * Programs about retry that must compile, and programs that must not: each line that must not is preceded by an
 * expectation, and the typecheck fails when the line after it compiles after all.
 */
import { constant, exponential } from '../../src/backoff/index.ts';
import { compose, type Policy } from '../../src/policy/index.ts';
import { isTimeout, isTransient } from '../../src/predicate/index.ts';
import { retry, retryDefaults, type RetryEvent, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { deadlineOf, joinSignals, sleep, withDeadline } from '../../src/time/index.ts';

const fn = async (): Promise<number> => 1;

/** The result is what the function gives, promised or not. */
export const promised: Promise<number> = retry(fn);
export const plain: Promise<string> = retry(() => 'text');
export const wrapped: (id: string, count?: number) => Promise<string> = retryPolicy().wrap(
  ({ number, signal }, id: string, count: number = 1) => `${id}${count}${number}${signal.aborted}`,
);
/** A retry policy is a policy, and can stand anywhere in a composition. */
export const policies: readonly Policy[] = [retryPolicy(), compose(retryPolicy(), compose())];

void retry(({ number, maxAttempts, signal, remainingMs }) => [number, maxAttempts, signal.aborted, remainingMs], {
  maxAttempts: 3,
  backoff: exponential({ initialDelay: '50ms' }),
  retryable: isTransient.or(isTimeout.not()),
  attemptTimeout: '2s',
  deadline: 10_000,
  guards: [compose()],
  observer: (event: RetryEvent) => (event.type === 'retry.scheduled' ? event.delayMs : undefined),
  signal: undefined,
  name: 'page',
});
void retryPolicy({ budget: false }).execute(fn, { signal: joinSignals() });
const report = retryReport(new Error('odd'));
if (report?.reason === 'guard-open') void report.attempts.toFixed();

// @ts-expect-error retries are not attempts: the option counts executions
void retry(fn, { retries: 3 });
// @ts-expect-error a backoff is an object that computes delays, not a number
void retry(fn, { backoff: 100 });
// @ts-expect-error a duration has a unit
void retry(fn, { deadline: '10' });
// @ts-expect-error a signal belongs to a call, not to a policy
retryPolicy({ signal: new AbortController().signal });
// @ts-expect-error only a policy has a budget of its own that can be switched off
void retry(fn, { budget: false });
// @ts-expect-error the function may ask only for what an attempt has
void retry(({ retries }) => retries);
// @ts-expect-error the function of a policy that is not known to retry is handed a signal, not an attempt number
void compose(retryPolicy()).execute(({ number }) => number);
// @ts-expect-error there is no such reason
if (report?.reason === 'tired') void report;
// @ts-expect-error defaults cannot be changed for everyone
retryDefaults.maxAttempts = 10;
// @ts-expect-error events are told apart by their type, and a wait belongs to some of them only
void retry(fn, { observer: (event) => event.delayMs.toFixed() });
// @ts-expect-error a deadline is not a number: it has its clock
void (deadlineOf(withDeadline(undefined, '5s')) + 1);
// @ts-expect-error a delay is a duration, not a backoff
void sleep(constant(100));
