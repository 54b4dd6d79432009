import * as fc from 'fast-check';
import { constant } from 'makegood/backoff';
import { retryingFetch } from 'makegood/http';
import { expect, test } from 'vitest';
import { readDeadlineHeader } from '../../src/http/makegood-headers.ts';
import { OutgoingBody } from '../../src/http/outgoing-body.ts';

const never = new AbortController().signal;

test('a stream in any chunks under any bound is sent whole, and is resendable exactly when it fits', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 60 }), async (parts, maxBytes) => {
      const whole = Buffer.concat(parts);
      const body = new OutgoingBody(ReadableStream.from(parts) as ReadableStream<Uint8Array>, true, maxBytes);
      const send = async (): Promise<Buffer> =>
        Buffer.from(await new Response((await body.next(never)) ?? null).arrayBuffer());
      expect(await send()).toEqual(whole);
      expect(body.isResendable).toBe(whole.length <= maxBytes);
      if (body.isResendable) expect(await send()).toEqual(whole);
    }),
  );
});

test('no header, however hostile, gives a time that is negative, endless or longer than one of its values', () => {
  const value = fc.oneof(fc.string(), fc.integer().map(String), fc.bigInt().map(String), fc.double().map(String));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), (values) => {
      const ms = readDeadlineHeader(values.join(', ')) ?? 0;
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(ms)).toBe(true);
      for (const one of values.filter((text) => /^\d{1,15}$/.test(text))) expect(ms).toBeLessThanOrEqual(Number(one));
      expect(readDeadlineHeader(values.toReversed().join(','))).toBe(readDeadlineHeader(values.join(',')));
    }),
  );
});

const transient = new Set([429, 502, 503, 504]);

test('whatever a server answers: never too many requests, one of what may not be repeated, the last answer returned', async () => {
  const statuses = fc.array(fc.constantFrom(200, 204, 304, 400, 404, 429, 500, 502, 503, 504), { minLength: 1 });
  const method = fc.constantFrom('GET', 'PUT', 'POST', 'DELETE');
  await fc.assert(
    fc.asyncProperty(
      statuses,
      method,
      fc.boolean(),
      fc.integer({ min: 1, max: 6 }),
      async (list, verb, keyed, most) => {
        const given: Response[] = [];
        const send = async (): Promise<Response> => {
          given.push(new Response(null, { status: list[given.length] ?? 200 }));
          return given.at(-1) as Response;
        };
        const fetch = retryingFetch({ fetch: send, maxAttempts: most, backoff: constant(0), budget: false });
        const answer = await fetch('http://x/', { method: verb, headers: keyed ? { 'Idempotency-Key': 'k' } : {} });
        const repeatable = keyed || verb === 'GET' || verb === 'PUT';
        const failures = [...list, 200].findIndex((status) => !transient.has(status));
        expect(given).toHaveLength(repeatable ? Math.min(most, failures + 1) : 1);
        expect(answer).toBe(given.at(-1));
      },
    ),
  );
});
