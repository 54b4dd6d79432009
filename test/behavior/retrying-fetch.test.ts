import { exponential } from 'makegood/backoff';
import { retryingFetch } from 'makegood/http';
import { byStatus, isTransient } from 'makegood/predicate';
import { retryReport } from 'makegood/retry';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { fetchWorld, refused, url } from './fetch-world.ts';

const textsOf = (requests: readonly Request[]): Promise<string[]> => Promise.all(requests.map((one) => one.text()));
const post = (init: RequestInit = {}): RequestInit => ({
  method: 'POST',
  body: 'order',
  ...init,
  headers: { 'Idempotency-Key': 'k-1', ...(init.headers as Record<string, string>) },
});

const stream = (): ReadableStream => new Blob(['order']).stream();

describe('which requests are retried', () => {
  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'get'])('%s is retried', async (method) => {
    const { call, seen } = fetchWorld([503, refused(), 200]);
    expect((await call(url, { method })).status).toBe(200);
    expect(seen).toHaveLength(3);
  });

  test.each(['POST', 'PATCH', 'DELETE', 'FROB'])(
    '%s without a key is sent once, and its answer returned',
    async (method) => {
      const { call, seen } = fetchWorld([503]);
      const answer = await call(url, { method, body: 'order' });
      expect([answer.status, await answer.text(), seen.length]).toEqual([503, 'body', 1]);
      expect(retryReport(answer)?.reason).toBe('not-retryable');
    },
  );

  test('with an Idempotency-Key any method is retried, with the same key and body each time', async () => {
    const { call, seen } = fetchWorld([503, 200]);
    expect((await call(url, post())).status).toBe(200);
    expect(seen.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['k-1', 'k-1']);
    expect(await textsOf(seen)).toEqual(['order', 'order']);
  });

  test('an empty key is none', async () => {
    const { call, seen } = fetchWorld([503]);
    await call(url, post({ headers: { 'Idempotency-Key': ' ' } }));
    expect(seen).toHaveLength(1);
  });

  test('makeIdempotencyKey gives POST one random key for all attempts, and leaves a given one alone', async () => {
    const { call, seen } = fetchWorld([503, 200], { makeIdempotencyKey: true });
    await call(url, { method: 'POST', body: 'order' });
    await call(url, { method: 'POST', body: 'order' });
    await call(url, post());
    await call(url);
    const keys = seen.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([keys[1] === keys[0], keys[2] === keys[0], keys.slice(3)]).toEqual([true, false, ['k-1', null]]);
  });

  test('a key that no header can carry is refused before anything is sent', async () => {
    const { call, seen } = fetchWorld([200], { makeIdempotencyKey: () => 'a\nb' });
    await expect(call(url, { method: 'POST' })).rejects.toThrow(
      new RangeError('Expected an idempotency key of 1 to 255 visible ASCII characters, got "a\\nb"'),
    );
    expect(seen).toHaveLength(0);
  });

  test('a stream longer than maxResendBytes is sent once, whole; a shorter one and the body of a Request are retried', async () => {
    const { call, seen } = fetchWorld([503], { maxResendBytes: 5, maxAttempts: 2 });
    expect(retryReport(await call(url, { method: 'PUT', body: stream() }))?.reason).toBe('attempts-exhausted');
    await call(new Request(url, { method: 'PUT', body: 'order' }));
    expect(await textsOf(seen)).toEqual(['order', 'order', 'order', 'order']);
    const tooLong = fetchWorld([503], { maxResendBytes: 4, maxAttempts: 2 });
    const answer = await tooLong.call(url, { method: 'PUT', body: stream(), duplex: 'half' });
    expect([await textsOf(tooLong.seen), retryReport(answer)?.reason]).toEqual([['order'], 'not-retryable']);
  });

  test('repeatableMethods says which methods need no key', async () => {
    const { call, seen } = fetchWorld([503, 200], { repeatableMethods: ['delete'] });
    expect((await call(url, { method: 'DELETE' })).status).toBe(200);
    expect((await call(url)).status).toBe(200);
    expect(seen).toHaveLength(3);
  });
});

describe('which answers are failures', () => {
  test('429, 502, 503 and 504 are retried, every other answer is returned at once', async () => {
    for (const status of [429, 502, 503, 504]) expect((await fetchWorld([status, 200]).call(url)).status).toBe(200);
    for (const status of [200, 204, 304, 400, 404, 408, 409, 500, 501]) {
      const answer = new Response(null, { status });
      const { call, seen } = fetchWorld([answer]);
      expect([await call(url), seen.length]).toEqual([answer, 1]);
      expect(retryReport(answer)).toBeUndefined();
    }
  });

  test('retryable decides on answers and errors alike', async () => {
    const { call } = fetchWorld([408, 500, refused(), 200], { retryable: isTransient.or(byStatus(408, 500)) });
    expect((await call(url)).status).toBe(200);
  });

  test('the last answer is returned with its body when the attempts end, and a report tells the story', async () => {
    const { call, seen } = fetchWorld([502, refused(), 503], { maxAttempts: 3 });
    const answer = await call(url);
    expect([answer.status, await answer.text(), seen.length]).toEqual([503, 'body', 3]);
    const { reason, attempts, delaysMs, errors } = retryReport(answer) ?? {};
    expect({ reason, attempts, delaysMs }).toEqual({ reason: 'attempts-exhausted', attempts: 3, delaysMs: [100, 100] });
    expect(errors?.map(String)).toEqual([
      'HttpStatusError: GET https://shop.example/orders/7 answered 502',
      'TypeError: fetch failed',
      'HttpStatusError: GET https://shop.example/orders/7 answered 503',
    ]);
  });

  test('a network error is rejected with, untouched, when the attempts end', async () => {
    const error = refused();
    const { call } = fetchWorld([503, error], { maxAttempts: 2 });
    await expect(call(url)).rejects.toBe(error);
    expect(retryReport(error)).toMatchObject({ reason: 'attempts-exhausted', attempts: 2 });
  });

  test('a mistake is not retried: a body for GET, a bad URL, a redirect loop', async () => {
    const loop = new TypeError('fetch failed', { cause: new Error('redirect count exceeded') });
    const { call, seen } = fetchWorld([loop]);
    await expect(call(url, { body: 'x' })).rejects.toThrow(TypeError);
    await expect(call('no url')).rejects.toThrow(TypeError);
    expect(seen).toHaveLength(0);
    await expect(call(url)).rejects.toBe(loop);
    expect(seen).toHaveLength(1);
  });

  test('a predicate that throws ends the call with the answer, and is reported', async () => {
    const fault = new Error('bug');
    const { call } = fetchWorld([503], {
      retryable: () => {
        throw fault;
      },
    });
    expect(retryReport(await call(url))).toMatchObject({ reason: 'not-retryable', fault });
  });

  test('an opaque answer, whose status is 0, and a redirect that was not followed are answers', async () => {
    const opaque = Response.error();
    expect(await fetchWorld([opaque]).call(url, { mode: 'no-cors' })).toBe(opaque);
    expect((await fetchWorld([Response.redirect(url, 307)]).call(url, { redirect: 'manual' })).status).toBe(307);
  });
});

const busy = (retryAfter: string, date?: string): Response =>
  new Response(null, { status: 503, headers: { 'Retry-After': retryAfter, ...(date !== undefined && { date }) } });

describe('Retry-After', () => {
  const date = 'Tue, 24 Nov 2026 12:00:00 GMT';

  test.each([
    ['60', undefined, 60_000],
    ['Tue, 24 Nov 2026 12:01:00 GMT', date, 60_000],
    ['Tuesday, 24-Nov-26 12:01:00 GMT', date, 60_000],
    ['Tue Nov 24 12:01:00 2026', date, 60_000],
  ])('%s is a floor that maxDelay does not cap', async (value, sent, waitedMs) => {
    const backoff = exponential({ maxDelay: '5s', jitter: 'none' });
    const { call } = fetchWorld([busy(value, sent)], { maxAttempts: 2, backoff });
    expect(retryReport(await call(url))?.delaysMs).toEqual([waitedMs]);
  });

  test('does not shorten the backoff', async () => {
    const { call } = fetchWorld([busy('0')], { maxAttempts: 2 });
    expect(retryReport(await call(url))?.delaysMs).toEqual([100]);
  });

  test('beyond the deadline it ends the call at once, with the answer', async () => {
    const { clock, fetch, seen } = fetchWorld([busy('60')], { deadline: '10s' });
    const answer = await fetch(url);
    expect([answer.status, retryReport(answer)?.reason, seen.length]).toEqual([503, 'deadline', 1]);
    expect([clock.monotonicMs(), clock.pendingTimers]).toEqual([0, 0]);
  });
});

test('it is a fetch to the compiler too', () => {
  expectTypeOf(retryingFetch()).toExtend<typeof fetch>();
});

const wrong = (options: object): unknown => {
  try {
    return retryingFetch(options);
  } catch (error) {
    return String(error);
  }
};

test('options are checked at once, and the error tells what was expected and got', () => {
  expect([
    wrong({ fetch: 1 }),
    wrong({ maxAttempts: 0 }),
    wrong({ repeatableMethods: 'GET' }),
    wrong({ makeIdempotencyKey: 'k' }),
    wrong({ sendHeaders: 'yes' }),
    wrong({ maxOrigins: 0 }),
    wrong({ maxResendBytes: -1 }),
    wrong({ guards: [1] }),
    wrong({ budget: null }),
  ]).toEqual([
    'TypeError: Expected fetch to be a function, got number',
    'RangeError: Expected maxAttempts to be an integer ≥ 1, got 0',
    'TypeError: Expected repeatableMethods to be a list of names, got "GET"',
    'TypeError: Expected makeIdempotencyKey to be true, false or a function, got string',
    'TypeError: Expected sendHeaders to be true or false, got string',
    'RangeError: Expected maxOrigins to be an integer ≥ 1, got 0',
    'RangeError: Expected maxResendBytes to be an integer ≥ 0, got -1',
    'TypeError: Expected policy 1 to have an execute function, got number',
    'TypeError: Expected budget to be a retry budget, got null',
  ]);
});
