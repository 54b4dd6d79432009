/** What a step of a request may say, and that it comes to what the same step in TypeScript would. */
import { describe, expect, test } from 'vitest';
import type { RemoteHandler } from '../../../src/testing/remote-participants.ts';
import type { WireStep } from '../../../src/wire/step.ts';
import { type Bench, type BenchOptions, open, request, step } from './bench.ts';

const ok = (): Response => Response.json({ ok: true });
const refuse = (): Response => Response.json({ code: 'NO', message: 'no' }, { status: 409 });
const busy = (): Response => new Response(null, { status: 503 });
const fail = (): Response => new Response(null, { status: 500 });
const once = { retry: { maxAttempts: 1 } };

/** Starts a saga of these steps, lets so much time pass, and shows it. */
async function run(
  routes: Readonly<Record<string, RemoteHandler>>,
  steps: readonly WireStep[],
  { seconds = 600, more = {}, ...options }: { seconds?: number; more?: Record<string, never> } & BenchOptions = {},
): Promise<{
  readonly saga: Bench['ask'] extends (...args: never) => Promise<infer Read> ? Read : never;
  readonly calls: readonly string[];
}> {
  await using bench = await open({ routes: { ...routes, 'http://p/': ok }, ...options });
  const started = await bench.ask('POST', '/v1/sagas', request('s', steps, more));
  expect(started.status).toBe(201);
  await bench.clock.advance(seconds * 1000);
  return { saga: await bench.ask('GET', '/v1/sagas/s'), calls: bench.calls() };
}

describe('when nobody knows whether it happened', () => {
  test('nullSafe (the default): undone after the settle time, without an output', async () => {
    await using bench = await open({ fault: ({ phase }) => (phase === 'action' ? 'silent' : undefined) });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a', { ...once, timeout: '2s', maxFlight: '10s' })]));
    await bench.clock.advance(11_900);
    expect(bench.calls()).toEqual(['action a 1']);
    await bench.clock.advance(200);
    expect(bench.calls()).toEqual(['action a 1', 'compensation a 1']);
    expect(bench.participants.calls[1]?.body).toBe('{"input":{"who":"Ada"}}');
  });

  test('without maxFlight the one of the server counts; with barrier: true none', async () => {
    for (const [more, maxFlight, seconds] of [
      [{}, '5s' as const, 7],
      [{ barrier: true }, '5s' as const, 2],
      [{}, undefined, 32],
    ] as const) {
      const flight = maxFlight === undefined ? {} : { maxFlight };
      await using bench = await open({ fault: ({ phase }) => (phase === 'action' ? 'silent' : undefined), ...flight });
      await bench.ask('POST', '/v1/sagas', request('s', [step('a', { ...once, timeout: '2s', ...more })]));
      await bench.clock.advance(seconds * 1000 - 100);
      expect(bench.calls()).toHaveLength(1);
      await bench.clock.advance(200);
      expect(bench.calls()).toHaveLength(2);
    }
  });

  test('nullSafe: false and neither barrier nor status: a person is asked, nothing is guessed', async () => {
    const { saga, calls } = await run({ 'http://p/a': fail }, [step('a', { ...once, nullSafe: false })]);
    expect(calls).toEqual(['action a 1']);
    expect(saga.body.status).toBe('needs-human');
  });

  test('status: asked first; "none" leaves nothing to undo, "applied" is undone with what it tells', async () => {
    const status = { url: 'http://p/status' };
    const none = await run({ 'http://p/status': () => Response.json({ effect: 'none' }), 'http://p/a': fail }, [
      step('a', { ...once, status }),
    ]);
    expect(none.calls).toEqual(['action a 1', 'status a 1']);
    expect(none.saga.body.status).toBe('compensated');
    await using bench = await open({
      routes: {
        'http://p/status': () => Response.json({ effect: 'applied', output: { id: 7 } }),
        'http://p/a/undo': ok,
        'http://p/a': fail,
      },
    });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a', { ...once, status, nullSafe: false })]));
    await bench.clock.advance(60_000);
    expect(bench.calls()).toEqual(['action a 1', 'status a 1', 'compensation a 1']);
    expect(JSON.parse(bench.participants.calls[2]?.body ?? '')).toEqual({ input: { who: 'Ada' }, output: { id: 7 } });
  });
});

describe('when it failed', () => {
  test('compensateOnFailure: undone even after a definite refusal', async () => {
    const routes = { 'http://p/a/undo': ok, 'http://p/a': refuse };
    expect((await run(routes, [step('a')])).calls).toEqual(['action a 1']);
    expect((await run(routes, [step('a', { compensateOnFailure: true })])).calls).toEqual([
      'action a 1',
      'compensation a 1',
    ]);
  });

  test('mode saga-first: transient 4 times and then a person; a refusal is undone at once', async () => {
    const transient = await run({ 'http://p/a': busy }, [step('a', { mode: 'saga-first' })]);
    expect(transient.calls).toEqual([1, 2, 3, 4].map((attempt) => `action a ${attempt}`));
    expect(transient.saga.body.status).toBe('needs-human');
    expect((await run({ 'http://p/b': refuse }, [step('a'), step('b', { mode: 'saga-first' })])).saga.body.status).toBe(
      'compensated',
    );
  });

  test('readOnly steps are never undone', async () => {
    const look = { name: 'look', action: { url: 'http://p/look' }, readOnly: true };
    const { calls, saga } = await run({ 'http://p/b': refuse }, [look, step('a'), step('b')]);
    expect(calls).toEqual(['action look 1', 'action a 1', 'action b 1', 'compensation a 1']);
    expect(saga.body.status).toBe('compensated');
  });

  test('compensate: parallel undoes independent steps together; onStuck: continue goes on past one that cannot be undone', async () => {
    const steps = [step('a', { after: [] }), step('b', { after: [] }), step('c', { after: ['a', 'b'] })];
    const routes = { 'http://p/c': refuse, 'http://p/a/undo': fail, 'http://p/b/undo': fail };
    const held = await run(routes, steps, { seconds: 0.01 });
    expect(held.calls.filter((call) => call.startsWith('compensation'))).toHaveLength(1);
    const together = await run(routes, steps, { seconds: 0.01, more: { compensate: 'parallel' } as never });
    expect(together.calls.filter((call) => call.startsWith('compensation'))).toHaveLength(2);
    const stuck = { 'http://p/c': refuse, 'http://p/b/undo': refuse };
    expect((await run(stuck, steps)).calls).not.toContain('compensation a 1');
    expect((await run(stuck, steps, { more: { onStuck: 'continue' } as never })).calls).toContain('compensation a 1');
  });

  test('compensationRetry and compensationTimeout are those of the step', async () => {
    const compensationRetry = {
      maxAttempts: 2,
      backoff: { kind: 'fixed' as const, initialDelay: '10s' as const, jitter: 'none' as const },
    };
    const steps = [step('a', { compensationRetry }), step('b')];
    const { calls, saga } = await run({ 'http://p/b': refuse, 'http://p/a/undo': fail }, steps, { seconds: 11 });
    expect(calls.slice(2)).toEqual(['compensation a 1', 'compensation a 2']);
    expect(saga.body.status).toBe('needs-human');
  });
});

describe('time', () => {
  test('the deadline of the request turns the saga round; Makegood-Deadline never exceeds it', async () => {
    await using bench = await open({ routes: { 'http://p/a/undo': ok, 'http://p/a': fail } });
    const slow = {
      maxAttempts: 10,
      backoff: { kind: 'fixed' as const, initialDelay: '3s' as const, jitter: 'none' as const },
    };
    await bench.ask('POST', '/v1/sagas', request('s', [step('a', { retry: slow, timeout: '5s' })], { deadline: '4s' }));
    await bench.clock.advance(60_000);
    expect(bench.calls()).toEqual(['action a 1', 'action a 2', 'compensation a 1']);
    const said = bench.participants.calls.map(({ headers }) => Number(headers['Makegood-Deadline']));
    expect(said).toEqual([4000, 1000, 5000]);
    expect((await bench.ask('GET', '/v1/sagas/s')).body).toMatchObject({ status: 'compensated', reason: 'deadline' });
  });

  test('202 asks again as the same attempt; Retry-After lengthens a backoff', async () => {
    let calls = 0;
    const routes = {
      'http://p/a': () => new Response(null, { status: ++calls < 3 ? 202 : 204, headers: { 'retry-after': '2' } }),
    };
    const { calls: made, saga } = await run(routes, [step('a', once)]);
    expect(made).toEqual(['action a 1', 'action a 1', 'action a 1']);
    expect(saga.body).toMatchObject({ status: 'completed', steps: [{ attempts: 1 }] });
  });

  test('the kinds of backoff take what the others take, and leave out what they have no use for', async () => {
    for (const kind of ['fixed', 'linear', 'exponential'] as const) {
      const backoff = { kind, initialDelay: '100ms', factor: 3, maxDelay: '10s', jitter: 'none' } as const;
      const steps = [step('a', { retry: { maxAttempts: 3, backoff }, compensation: { url: 'http://q/undo' } })];
      await using bench = await open({ routes: { 'http://p/a': fail } });
      expect((await bench.ask('POST', '/v1/sagas', request('s', steps))).status).toBe(201);
      const between = { fixed: 200, linear: 300, exponential: 400 }[kind];
      await bench.clock.advance(between - 1);
      expect(bench.calls()).toHaveLength(2);
      await bench.clock.advance(1);
      expect(bench.calls().slice(0, 3)).toHaveLength(3);
    }
  });
});
