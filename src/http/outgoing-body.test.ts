import { expect, test } from 'vitest';
import { OutgoingBody } from './outgoing-body.ts';
import { readOutgoing } from './outgoing-request.ts';

type Body = NonNullable<RequestInit['body']>;

const never = undefined;
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = (body: RequestInit['body'] | undefined): Promise<string> => new Response(body ?? null).text();

/** A stream of these chunks, and what became of it. */
function source(...chunks: readonly string[]) {
  const left = [...chunks];
  const seen = { pulls: 0, cancelled: undefined as unknown };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulls++;
        const chunk = left.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(bytes(chunk));
      },
      cancel: (reason) => void (seen.cancelled = reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

const bodies: Record<string, () => Body> = {
  text: () => 'order',
  Blob: () => new Blob(['order'], { type: 'text/x' }),
  ArrayBuffer: () => bytes('order').buffer,
  'a view of a buffer': () => bytes('my order.').subarray(3, 8),
  DataView: () => new DataView(bytes('order').buffer),
  'short stream': () => source('or', 'der').stream,
  'async iterable': () =>
    (async function* () {
      yield bytes('order');
    })(),
};

test.each(Object.keys(bodies))('a body of kind %s can be sent as often as needed', async (kind) => {
  const body = new OutgoingBody(bodies[kind]?.(), true, 100);
  expect(await text(await body.next(never))).toBe('order');
  expect(body.isResendable).toBe(true);
  expect(await text(await body.next(never))).toBe('order');
});

test('what the caller does to its buffer, parameters or form after the call began changes nothing', async () => {
  const buffer = bytes('order');
  const parameters = new URLSearchParams({ id: '7' });
  const form = new FormData();
  form.append('id', '7');
  form.append('file', new Blob(['data']), 'a.txt');
  const kept = [buffer, parameters, form].map((body) => new OutgoingBody(body, true, 100));
  buffer.fill(0);
  parameters.append('id', '8');
  form.append('id', '8');
  const [one, two, three] = (await Promise.all(kept.map((body) => body.next(never)))) as [Body, Body, FormData];
  expect([await text(one), await text(two)]).toEqual(['order', 'id=7']);
  expect([three.getAll('id'), (three.get('file') as File).name]).toEqual([['7'], 'a.txt']);
});

test('a form is sent with its boundary, and parameters with their type, on every attempt', async () => {
  const form = new FormData();
  form.append('id', '7');
  const body = new OutgoingBody(form, true, 100);
  for (let attempt = 1; attempt <= 2; attempt++) {
    const request = new Request('http://x', { method: 'PUT', body: (await body.next(never)) as Body });
    expect((await request.formData()).get('id')).toBe('7');
  }
});

test('a stream as long as the bound is kept, one that is a byte longer is sent once, whole', async () => {
  const fits = new OutgoingBody(source('1234', '56').stream, true, 6);
  expect([await text(await fits.next(never)), fits.isResendable]).toEqual(['123456', true]);
  const tooLong = new OutgoingBody(source('1234', '567', '89').stream, true, 6);
  expect([await text(await tooLong.next(never)), tooLong.isResendable]).toEqual(['123456789', false]);
});

test('a stream is left alone when no second attempt may come, or nothing is to be read ahead', async () => {
  for (const [repeatable, maxBytes] of [
    [false, 100],
    [true, 0],
  ] as const) {
    const { stream, seen } = source('order');
    const body = new OutgoingBody(stream, repeatable, maxBytes);
    expect([await body.next(never), body.isResendable, seen.pulls]).toEqual([stream, false, 0]);
  }
});

test('an abort while a stream is read ahead cancels the stream and rejects with the reason', async () => {
  const controller = new AbortController();
  let cancelled: unknown;
  const silent = new ReadableStream<Uint8Array>({ cancel: (reason) => void (cancelled = reason) });
  const body = new OutgoingBody(silent, true, 100);
  const next = body.next(controller.signal);
  controller.abort('enough');
  await expect(next).rejects.toBe('enough');
  expect([cancelled, body.isResendable]).toEqual(['enough', false]);
});

test('cancelling what is left of a long stream cancels the stream itself', async () => {
  const { stream, seen } = source('1234', '567', '89');
  const body = new OutgoingBody(stream, true, 5);
  await ((await body.next(never)) as ReadableStream).cancel('enough');
  expect(seen.cancelled).toBe('enough');
});

test('a stream that fails is not sent again, and its error is the one that is seen', async () => {
  const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('disk')) });
  const body = new OutgoingBody(broken, true, 100);
  await expect(body.next(never)).rejects.toThrow('disk');
  expect(body.isResendable).toBe(false);
});

test('a body that was read already is refused, never sent empty', async () => {
  const request = new Request('http://x', { method: 'PUT', body: 'order' });
  await request.text();
  const outgoing = readOutgoing({ input: request, init: undefined }, undefined);
  const body = new OutgoingBody(outgoing.body, true, 100);
  await expect(body.next(never)).rejects.toThrow(TypeError);
});

test('a stream that someone has read from is refused, its rest is never sent as if it were the whole', async () => {
  const { stream } = source('half', 'half');
  const reader = stream.getReader();
  await reader.read();
  reader.releaseLock();
  await expect(new OutgoingBody(stream, true, 100).next(never)).rejects.toThrow(TypeError);
});

test('options of the call win over those of a Request, and its referrer is kept', () => {
  const request = new Request('http://x/a', {
    method: 'PUT',
    headers: { a: '1' },
    referrerPolicy: 'no-referrer',
  });
  const outgoing = readOutgoing({ input: request, init: { headers: { b: '2' }, signal: null } }, undefined);
  expect([outgoing.method, [...outgoing.headers], outgoing.signal]).toEqual(['PUT', [['b', '2']], undefined]);
  expect(outgoing.init.referrerPolicy).toBe('no-referrer');
  expect(outgoing.target).toBe(request);
});

test('a relative URL is relative to the page, where there is one', () => {
  expect(readOutgoing({ input: '/orders', init: undefined }, 'https://shop.example').url.href).toBe(
    'https://shop.example/orders',
  );
  expect(() => readOutgoing({ input: '/orders', init: undefined }, undefined)).toThrow(TypeError);
});
