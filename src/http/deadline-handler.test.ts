import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { deadlineOf, remainingMs } from '../time/deadline.ts';
import { sleep } from '../time/sleep.ts';
import { deadlineHandler, type DeadlineRequestHandler } from './deadline-handler.ts';
import { type IncomingRequest, requestSignal, type RequestSignalOptions } from './request-signal.ts';

const clock = testClock();
const url = 'http://shop.example/';
const timed = (deadline: string, init: RequestInit = {}): Request =>
  new Request(url, { ...init, headers: { 'Makegood-Deadline': deadline } });

/** The time a request gets. */
function given(headers: IncomingRequest['headers'], options: RequestSignalOptions = {}): number {
  using signal = requestSignal({ headers }, { clock, ...options });
  return remainingMs(signal);
}

test('the time the caller gives is on the signal, in any shape of headers: Request, Node, plain', () => {
  expect(given(timed('2000').headers)).toBe(2000);
  expect(given({ 'makegood-deadline': '2000' })).toBe(2000);
  expect(given({ 'Makegood-Deadline': ['2000', '1500'] })).toBe(1500);
  expect(given({})).toBe(Infinity);
});

test.each([
  ['-5', 0],
  ['-0', 0],
  ['100, 50', 50],
  ['50, NaN', 50],
  ['99999999999999999999', 300_000],
  ['9'.repeat(5000), Infinity],
  ['NaN', Infinity],
  ['1e9', Infinity],
  ['', Infinity],
])('hostile values are bounded: "%s" gives %d ms', (value, ms) => {
  expect(given({ 'makegood-deadline': value })).toBe(ms);
});

test('maxDeadline bounds what is asked for, defaultDeadline is for those who ask for nothing that can be read', () => {
  const options = { maxDeadline: '10s', defaultDeadline: '3s' } as const;
  const asked = ['60000', '1000', '', 'soon'].map((value) => given({ 'makegood-deadline': value }, options));
  expect(asked).toEqual([10_000, 1000, 3000, 3000]);
});

test('the signal of the request aborts it too, with its reason, and its own deadline is kept', () => {
  const controller = new AbortController();
  using signal = requestSignal(timed('2000', { signal: controller.signal }), { clock });
  controller.abort('gone');
  expect(signal.reason).toBe('gone');
  using outer = requestSignal(timed('100'), { clock });
  using inner = requestSignal(timed('2000'), { clock, signal: outer });
  expect(deadlineOf(inner)).toBe(deadlineOf(outer));
});

test('work that is expired is refused with 503 before it is done, and the answer says that nothing was', async () => {
  let calls = 0;
  const handler = deadlineHandler(() => Response.json(++calls), { clock });
  for (const deadline of ['0', '-1', '100, 0']) {
    const answer = await handler(timed(deadline));
    expect([answer.status, answer.headers.get('makegood-effect')]).toEqual([503, 'none']);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 503, code: 'deadline-expired' });
  }
  expect(calls).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

const sleeper: DeadlineRequestHandler = async (_request, { signal }) => {
  await sleep('10s', { clock, signal });
  return new Response('done');
};

test('work that the deadline ends is answered 504, whose outcome is unknown', async () => {
  const answering = deadlineHandler(sleeper, { clock })(timed('2000'));
  await clock.advance(2000);
  const answer = await answering;
  expect([answer.status, answer.headers.get('makegood-effect')]).toEqual([504, null]);
  expect(await answer.json()).toMatchObject({ status: 504, code: 'deadline-exceeded' });
});

test('work that is done in time is answered, and leaves no timer behind', async () => {
  const answering = deadlineHandler(sleeper, { clock })(timed('20000'));
  await clock.advance(10_000);
  expect(await (await answering).text()).toBe('done');
  expect(clock.pendingTimers).toBe(0);
});

test('a mistake passes through untouched, also when it shows after the deadline', async () => {
  const bug = new RangeError('bug');
  const failing = deadlineHandler(
    async (_request, { signal }) => {
      await sleep('10s', { clock, signal }).catch(() => {});
      throw bug;
    },
    { clock },
  );
  const answering = failing(timed('2000'));
  answering.catch(() => {});
  await clock.advance(2000);
  await expect(answering).rejects.toBe(bug);
});

test('a caller that has gone is not worked for', async () => {
  let calls = 0;
  const handler = deadlineHandler(() => Response.json(++calls), { clock });
  await expect(handler(timed('100', { signal: AbortSignal.abort('gone') }))).rejects.toBe('gone');
  expect(calls).toBe(0);
});

test('options are checked at once', () => {
  expect(() => deadlineHandler(1 as never)).toThrow(new TypeError('Expected handler to be a function, got number'));
  expect(() => deadlineHandler(sleeper, { maxDeadline: Infinity })).toThrow(
    new RangeError('Expected maxDeadline to be finite and 0 ms or more, got Infinity'),
  );
  expect(() => deadlineHandler(sleeper, { defaultDeadline: 'soon' as never })).toThrow('Expected defaultDeadline');
});
