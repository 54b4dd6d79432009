import { constant } from 'makegood/backoff';
import { circuitBreaker, consecutiveFailures } from 'makegood/guards';
import { HttpStatusError } from 'makegood/http';
import { compose, type Policy, wrapWith } from 'makegood/policy';
import { retryBudget, type RetryEvent, retryReport } from 'makegood/retry';
import { withDeadline } from 'makegood/time';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fetchWorld, refused, url } from './fetch-world.ts';

const hang = (request: Request): Promise<Response> =>
  new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)));

function aborter(): { readonly signal: AbortSignal; readonly abort: (reason: unknown) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}

/** Counts how attempts ended, and refuses after so many failures. */
function countingGuard(limit = Infinity): Policy & { readonly ends: string[] } {
  const ends: string[] = [];
  const guard: Policy & { readonly ends: string[] } = {
    ends,
    async execute(fn, options) {
      if (ends.filter((end) => end === 'failure').length >= limit) throw new Error('refused');
      try {
        const result = await compose().execute(fn, options);
        ends.push('success');
        return result;
      } catch (error) {
        ends.push('failure');
        throw error;
      }
    },
    wrap: (fn) => wrapWith(guard, fn),
  };
  return guard;
}

describe('time and cancelling', () => {
  test('every request says its attempt and the time that is left', async () => {
    const { call, seen } = fetchWorld([503, refused(), 200], { attemptTimeout: '2s', deadline: '2150ms' });
    await call(url);
    const said = seen.map(({ headers }) => [headers.get('makegood-attempt'), headers.get('makegood-deadline')]);
    expect(said).toEqual([
      ['1', '2000'],
      ['2', '2000'],
      ['3', '1950'],
    ]);
  });

  test('the deadline that rides on the signal is passed on; without one there is no header', async () => {
    const { clock, fetch, seen } = fetchWorld([200]);
    using signal = withDeadline(undefined, '5s', { clock });
    await clock.advance(1000);
    await fetch(url, { signal });
    await fetch(new Request(url));
    expect(seen.map(({ headers }) => headers.get('makegood-deadline'))).toEqual(['4000', null]);
  });

  test('sendHeaders: false says nothing', async () => {
    const { call, seen } = fetchWorld([200], { sendHeaders: false, deadline: '1s' });
    await call(url);
    expect([...(seen[0] as Request).headers]).toEqual([]);
  });

  test('in a page only its own origin is told, since elsewhere each header costs a CORS preflight', async () => {
    vi.stubGlobal('location', { origin: 'https://shop.example', href: 'https://shop.example/orders/' });
    onTestFinished(() => void vi.unstubAllGlobals());
    const { call, seen } = fetchWorld([200]);
    await call('7');
    await call('https://other.example/');
    expect(seen.map((request) => [request.url, request.headers.get('makegood-attempt')])).toEqual([
      ['https://shop.example/orders/7', '1'],
      ['https://other.example/', null],
    ]);
  });

  test('an attempt that takes too long is aborted and followed by another', async () => {
    const { call, seen } = fetchWorld([hang, 200], { attemptTimeout: '1s' });
    expect((await call(url)).status).toBe(200);
    expect(seen.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  test('an expired deadline rejects with DeadlineExceededError, caused by the last failure', async () => {
    const { call } = fetchWorld([503, hang], { deadline: '1s' });
    const error = await call(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', cause: { code: 'MAKEGOOD_HTTP_STATUS' } });
  });

  test.each(['signal of the call', 'signal of a Request'])('an abort by the %s ends a wait at once', async (from) => {
    const { clock, fetch, seen } = fetchWorld([503]);
    const { signal, abort } = aborter();
    const call = from === 'signal of the call' ? fetch(url, { signal }) : fetch(new Request(url, { signal }));
    const outcome = call.catch((reason: unknown) => reason);
    await clock.settle();
    abort('the user left');
    expect([await outcome, seen.length, clock.pendingTimers]).toEqual(['the user left', 1, 0]);
  });

  test('an abort after the answer still reaches its body, also when the attempt had a time-out', async () => {
    const { fetch, seen } = fetchWorld([200], { attemptTimeout: '1s', deadline: '5s' });
    const { signal, abort } = aborter();
    await fetch(url, { signal });
    abort('enough');
    expect(seen[0]?.signal.reason).toBe('enough');
  });

  test('an answer that comes after its attempt was given up is closed', async () => {
    let cancelled = false;
    const late = new Response(new ReadableStream({ cancel: () => void (cancelled = true) }), { status: 200 });
    const { promise, resolve } = Promise.withResolvers<Response>();
    const { call, clock } = fetchWorld([() => promise, 201], { attemptTimeout: '1s' });
    expect((await call(url)).status).toBe(201);
    resolve(late);
    await clock.settle();
    expect(cancelled).toBe(true);
  });
});

describe('budgets and guards', () => {
  test('each origin has a budget of its own', async () => {
    const { call, seen } = fetchWorld([503], { backoff: constant(0), maxAttempts: 100 });
    expect(retryReport(await call(url))).toMatchObject({ reason: 'budget-empty', attempts: 11 });
    expect(retryReport(await call('https://other.example/'))).toMatchObject({ attempts: 11 });
    expect(retryReport(await call(url))).toMatchObject({ reason: 'budget-empty', attempts: 1 });
    expect(seen).toHaveLength(23);
  });

  test('of more than maxOrigins the one unused for the longest begins anew', async () => {
    const { call } = fetchWorld([503], { backoff: constant(0), maxAttempts: 100, maxOrigins: 2 });
    const attempts = async (host: string): Promise<number | undefined> =>
      retryReport(await call(`https://${host}/`))?.attempts;
    expect([await attempts('a'), await attempts('b'), await attempts('a')]).toEqual([11, 11, 1]);
    expect([await attempts('c'), await attempts('a'), await attempts('b')]).toEqual([11, 1, 11]);
  });

  test('budget: one for all origins, or none', async () => {
    const budget = retryBudget({ minPerSecond: 0, ratio: 0, window: '1s' });
    expect(retryReport(await fetchWorld([503], { budget }).call(url))).toMatchObject({ attempts: 2 });
    expect(retryReport(await fetchWorld([503], { budget: false, maxAttempts: 50 }).call(url))).toMatchObject({
      attempts: 50,
    });
  });

  test('a guard counts a 503 as a failure, also of a request that is sent once, and a 404 as a success', async () => {
    const guard = countingGuard();
    const { call } = fetchWorld([503, 503, 404], { guards: [guard], maxAttempts: 2 });
    await call(url, { method: 'POST' });
    await call(url);
    expect(guard.ends).toEqual(['failure', 'failure', 'success']);
  });

  test('guards made for each origin keep a failing host from closing the way to another', async () => {
    const guards = new Map<string, ReturnType<typeof countingGuard>>();
    const { call } = fetchWorld([503], {
      guards: (origin) => {
        guards.set(origin, countingGuard(2));
        return [guards.get(origin) as Policy];
      },
    });
    const error = await call(url).catch((thrown: unknown) => thrown);
    expect([String(error), retryReport(error)?.reason]).toEqual(['Error: refused', 'guard-open']);
    await expect(call('https://other.example/x')).rejects.toThrow('refused');
    expect([...guards.keys()]).toEqual(['https://shop.example', 'https://other.example']);
  });

  test('a breaker for each origin opens after its failures, refuses at once, and lets other hosts be', async () => {
    const { call, seen } = fetchWorld([503], {
      guards: (origin) => [circuitBreaker({ name: origin, trip: consecutiveFailures(2), openFor: '10s' })],
    });
    const refusal = await call(url).catch((error: unknown) => error);
    expect([refusal, retryReport(refusal)?.reason, seen.length]).toMatchObject([
      { code: 'MAKEGOOD_CIRCUIT_OPEN' },
      'guard-open',
      2,
    ]);
    await expect(call(url)).rejects.toMatchObject({ code: 'MAKEGOOD_CIRCUIT_OPEN' });
    expect(seen).toHaveLength(2);
    await call('https://other.example/').catch(() => {});
    expect(seen).toHaveLength(4);
  });

  test('an answer in whose place a guard puts another is closed', async () => {
    let cancelled = false;
    const busy = new Response(new ReadableStream({ cancel: () => void (cancelled = true) }), { status: 503 });
    const spare = new Response('spare');
    const fallback: Policy = {
      execute: async (fn, options) => {
        return await compose()
          .execute(fn, options)
          .catch(() => spare as never);
      },
      wrap: (fn) => wrapWith(fallback, fn),
    };
    expect(await fetchWorld([busy], { guards: [fallback] }).call(url)).toBe(spare);
    expect(cancelled).toBe(true);
  });

  test('an observer is told of every attempt, with the answer that failed it', async () => {
    const events: RetryEvent[] = [];
    const { call } = fetchWorld([503, 200], { observer: (event) => events.push(event), name: 'orders' });
    await call(url);
    expect(events.map(({ type }) => type.slice('retry.'.length))).toEqual(
      'attempt-started attempt-ended scheduled attempt-started attempt-ended succeeded'.split(' '),
    );
    expect(events[2]).toMatchObject({ name: 'orders', attempt: 1, delayMs: 100, error: { status: 503 } });
    expect((events[2] as { readonly error: unknown }).error).toBeInstanceOf(HttpStatusError);
  });
});
