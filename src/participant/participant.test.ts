import { expect, test } from 'vitest';
import { InProgressError } from '../idempotency/idempotency-errors.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { testClock } from '../testing/test-clock.ts';
import { remainingMs } from '../time/deadline.ts';
import { memoryBarrier } from './memory-barrier.ts';
import type { EffectStatus } from './barrier.ts';
import { participant, type ParticipantAction, type ParticipantCall, type ParticipantOptions } from './participant.ts';

type Phase = 'action' | 'compensation' | 'status';

function requestOf(
  phase: Phase,
  body: unknown = { sku: 'a' },
  changed: Readonly<Record<string, string>> = {},
): Request {
  const headers = {
    'Content-Type': 'application/json',
    'Idempotency-Key': `order-1/reserve/${phase === 'compensation' ? 'compensation' : 'action'}`,
    'Makegood-Saga': 'order-1',
    'Makegood-Step': 'reserve',
    'Makegood-Phase': phase,
    'Makegood-Attempt': '1',
    'Makegood-Epoch': '1',
    'Makegood-Deadline': '3000',
    ...changed,
  };
  return new Request('http://inventory/reserve', {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

function world(
  run: (call: ParticipantCall<undefined>) => unknown = () => ({ id: 7 }),
  options: Partial<ParticipantOptions<undefined>> = {},
) {
  const calls: ParticipantCall<undefined>[] = [];
  const note = (what: (call: ParticipantCall<undefined>) => unknown) => (call: ParticipantCall<undefined>) => {
    calls.push(call);
    return what(call);
  };
  const errors: unknown[] = [];
  const handle = participant({
    actions: { reserve: { run: note(run), compensate: note(() => undefined) } },
    barrier: memoryBarrier(),
    onError: (error) => void errors.push(error),
    ...options,
  });
  const send = async (...args: Parameters<typeof requestOf>) => {
    const answer = await handle(requestOf(...args));
    const text = await answer.text();
    const said: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: answer.status, said, headers: answer.headers };
  };
  return { handle, send, calls, errors };
}

test('an action is carried out once, and its answer repeated; its compensation is too', async () => {
  const { send, calls } = world();
  expect(await send('action')).toMatchObject({ status: 200, said: { id: 7 } });
  expect(await send('action')).toMatchObject({ status: 200, said: { id: 7 } });
  expect(await send('status', {})).toMatchObject({ status: 200, said: { effect: 'applied', output: { id: 7 } } });
  const undo = { input: { sku: 'a' }, output: { id: 7 } };
  expect(await send('compensation', undo)).toMatchObject({ status: 204, said: undefined });
  expect(await send('compensation', undo)).toMatchObject({ status: 204 });
  expect(calls.map(({ input, output, idempotencyKey }) => ({ input, output, idempotencyKey }))).toEqual([
    { input: { sku: 'a' }, output: undefined, idempotencyKey: 'order-1/reserve/action' },
    { input: { sku: 'a' }, output: { id: 7 }, idempotencyKey: 'order-1/reserve/compensation' },
  ]);
});

test('a compensation that comes first does nothing and is done; the action that comes late is refused as aborted', async () => {
  const { send, calls } = world();
  expect(await send('compensation', { input: {} })).toMatchObject({ status: 200, said: { undone: false } });
  expect(await send('action')).toMatchObject({ status: 409, said: { code: 'aborted' } });
  expect(calls).toEqual([]);
});

test('a status probe that finds nothing plants the tombstone in the same transaction', async () => {
  const { send, calls } = world();
  expect(await send('status', { input: {} })).toMatchObject({ status: 200, said: { effect: 'none' } });
  const late = await send('action');
  expect(late).toMatchObject({ status: 409, said: { code: 'aborted' } });
  expect(late.headers.get('content-type')).toBe('application/problem+json');
  expect(calls).toEqual([]);
});

test('a coordinator of a lower epoch is refused, though it asks for what is done', async () => {
  const { send } = world();
  await send('action', {}, { 'Makegood-Epoch': '5' });
  expect(await send('action', {}, { 'Makegood-Epoch': '4' })).toMatchObject({
    status: 409,
    said: { code: 'stale-epoch' },
  });
  await send('action', {}, { 'Makegood-Epoch': '6' });
  expect(await send('compensation', { input: {} }, { 'Makegood-Epoch': '5' })).toMatchObject({ status: 409 });
});

test('a definite refusal is a 409 with its business code, and stays one: a copy on its way cannot apply it', async () => {
  let inStock = false;
  const { send } = world(() => {
    if (!inStock) throw new TerminalError('sold out', { code: 'SOLD_OUT' });
  });
  const refused = { status: 409, said: { code: 'SOLD_OUT', message: 'sold out' } };
  expect(await send('action')).toMatchObject(refused);
  inStock = true;
  expect(await send('action')).toMatchObject(refused);
  expect(await send('compensation', { input: {} })).toMatchObject({ status: 200, said: { undone: false } });
});

test('a failure rolls back and tells the caller nothing of its inside; the same call may be made again', async () => {
  let calls = 0;
  const { send, errors } = world(() => {
    if (++calls === 1) throw new Error('password=secret');
    return 'second';
  });
  const failed = await send('action');
  expect(failed).toMatchObject({ status: 500, said: { code: 'internal' } });
  expect(JSON.stringify(failed.said)).not.toContain('secret');
  expect(failed.headers.get('makegood-effect')).toBe(null);
  expect(errors).toMatchObject([{ message: 'password=secret' }]);
  expect(await send('action')).toMatchObject({ status: 200, said: 'second' });
});

test('a call that another copy is still at work on is told to come back: 425 and Retry-After', async () => {
  const { send } = world(() => {
    throw new InProgressError('order-1', { retryAfterMs: 2400 });
  });
  const answer = await send('action');
  expect(answer).toMatchObject({ status: 425, said: { code: 'in-progress' } });
  expect(answer.headers.get('retry-after')).toBe('3');
});

test('the caller’s deadline rides on the signal, and what is late is rolled back', async () => {
  const clock = testClock();
  let left = 0;
  const { handle } = world(
    async ({ signal }) => {
      left = remainingMs(signal);
      await clock.advance(3000);
      return 'too late';
    },
    { clock },
  );
  const answer = await handle(requestOf('action'));
  expect([answer.status, left]).toEqual([503, 3000]);
  const { send } = world(() => 'never', { clock });
  const expired = await send('action', {}, { 'Makegood-Deadline': '0' });
  expect(expired).toMatchObject({ status: 503, said: { code: 'deadline' } });
  expect(expired.headers.get('makegood-effect')).toBe('none');
});

const deep = `${'['.repeat(80)}${']'.repeat(80)}`;

test.each<[string, number, string, unknown, Record<string, string>]>([
  ['an unknown phase', 400, 'bad-header', {}, { 'Makegood-Phase': 'undo' }],
  ['a saga id with a slash', 400, 'bad-header', {}, { 'Makegood-Saga': '../x' }],
  ['a key that names another call', 400, 'bad-header', {}, { 'Idempotency-Key': 'order-2/reserve/action' }],
  ['attempt 0', 400, 'bad-header', {}, { 'Makegood-Attempt': '0' }],
  ['an epoch that is no number', 400, 'bad-header', {}, { 'Makegood-Epoch': '1e3' }],
  ['an epoch sent twice', 400, 'bad-header', {}, { 'Makegood-Epoch': '1, 2' }],
  ['a deadline below 0', 400, 'bad-header', {}, { 'Makegood-Deadline': '-5' }],
  ['another type of body', 415, 'not-json', {}, { 'Content-Type': 'text/plain' }],
  ['a body that is no JSON', 400, 'unreadable', '{', {}],
  ['a body nested 80 deep', 422, 'too-deep', deep, {}],
  ['a body that would change a prototype', 422, 'reserved-name', '{"a":{"__proto__":{"b":1}}}', {}],
  ['a body over 1 MiB', 413, 'too-large', JSON.stringify('x'.repeat(1024 * 1024)), {}],
])('%s is refused with %i %s before anything is done', async (_, status, code, body, changed) => {
  const { send, calls } = world();
  const answer = await send('action', body, changed);
  expect(answer).toMatchObject({ status, said: { code } });
  expect(answer.headers.get('makegood-effect')).toBe('none');
  expect(calls).toEqual([]);
});

test('a step without an action here, another method, and no action at all', async () => {
  const { handle } = world();
  const elsewhere = new Request(
    'http://inventory/other',
    requestOf(
      'action',
      {},
      {
        'Makegood-Step': 'other',
        'Idempotency-Key': 'order-1/other/action',
      },
    ),
  );
  expect((await handle(elsewhere)).status).toBe(404);
  const get = await handle(new Request('http://inventory/reserve'));
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  expect(() => participant({ actions: {}, barrier: memoryBarrier() })).toThrow(RangeError);
});

test('an output that cannot be kept fails the call and applies nothing', async () => {
  const outputs = [10n, 'x'.repeat(1024 * 1024)];
  const { send } = world(() => outputs.shift() ?? 'small');
  expect((await send('action')).status).toBe(500);
  expect((await send('action')).status).toBe(500);
  expect(await send('action')).toMatchObject({ status: 200, said: 'small' });
});

/** A participant whose effect is outside the transaction, so that it is asked about it. */
function asked(status: () => EffectStatus | Promise<EffectStatus>) {
  const probes: unknown[] = [];
  const undone: unknown[] = [];
  const reserve: ParticipantAction<undefined> = {
    run: () => ({ id: 1 }),
    compensate: ({ output }) => void undone.push(output),
    status({ input }) {
      probes.push(input);
      return status();
    },
  };
  return { ...world(undefined, { actions: { reserve } }), probes, undone };
}

test('an action is asked about an effect outside the transaction; "applied" is kept, replayed and can be undone', async () => {
  const { send, probes, undone } = asked(() => ({ effect: 'applied', output: { id: 9 } }));
  const applied = { status: 200, said: { effect: 'applied', output: { id: 9 } } };
  expect(await send('status', { input: { sku: 'a' } })).toMatchObject(applied);
  expect(await send('status', { input: { sku: 'a' } })).toMatchObject(applied);
  expect(await send('action')).toMatchObject({ status: 200, said: { id: 9 } });
  expect(await send('compensation', { input: {}, output: { id: 9 } })).toMatchObject({ status: 204 });
  expect([probes, undone]).toEqual([[{ sku: 'a' }], [{ id: 9 }]]);
});

test('"none" plants the tombstone: the action that comes late is refused, and nobody is asked again', async () => {
  const { send, probes, undone } = asked(() => ({ effect: 'none' }));
  for (let time = 0; time < 2; time++)
    expect(await send('status', { input: {} })).toMatchObject({ status: 200, said: { effect: 'none' } });
  expect(await send('action')).toMatchObject({ status: 409, said: { code: 'aborted' } });
  expect(await send('compensation', { input: {} })).toMatchObject({ status: 200, said: { undone: false } });
  expect([probes.length, undone]).toEqual([1, []]);
});

test('what passed the barrier is known from its row: the action is not asked', async () => {
  const { send, probes } = asked(() => ({ effect: 'none' }));
  await send('action');
  expect(await send('status', { input: {} })).toMatchObject({ said: { effect: 'applied', output: { id: 1 } } });
  expect(probes).toEqual([]);
});

test('"in-progress" is answered 202, and keeps nothing; what throws or says something else leaves it unknown', async () => {
  const answers: (() => EffectStatus)[] = [
    () => ({ effect: 'in-progress', retryAfterMs: 2500 }),
    () => {
      throw new Error('the bank does not answer');
    },
    () => ({ effect: 'perhaps' }) as unknown as EffectStatus,
  ];
  const { send, errors } = asked(() => (answers.shift() as () => EffectStatus)());
  const later = await send('status', { input: {} });
  expect([later.status, later.headers.get('retry-after'), later.said]).toEqual([202, '3', undefined]);
  expect(await send('status', { input: {} })).toMatchObject({ status: 500, said: { code: 'internal' } });
  expect(await send('status', { input: {} })).toMatchObject({ status: 500 });
  expect(errors).toHaveLength(2);
  expect(await send('action')).toMatchObject({ status: 200, said: { id: 1 } });
});
