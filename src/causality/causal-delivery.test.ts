import { expect, test } from 'vitest';
import { memoryEntryLog } from '../ports/entry-log.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import type { CausalEntry, CausalScopeView } from './causal-book.ts';
import { type CausalDelivery, openCausalDelivery } from './causal-delivery.ts';
import type { CausalDeliveryOptions, ResendRequest } from './causal-delivery-options.ts';
import type { CausalEvent } from './causal-event.ts';

const names = ['a', 'b', 'c'] as const;

/** An event of producer 0, 1 or 2 with the counts of all three. */
function event(producer: 0 | 1 | 2, counts: readonly number[], scope = 'saga'): CausalEvent {
  const vector = Object.fromEntries(names.map((name, index) => [name, counts[index] ?? 0]));
  return { scope, id: `${names[producer]}${counts[producer]}`, producer: names[producer], vector, payload: null };
}

async function world(options: Partial<CausalDeliveryOptions> = {}) {
  const clock = testClock();
  const seen: string[] = [];
  const asked: ResendRequest[] = [];
  const parked: CausalScopeView[] = [];
  const inbox: CausalDelivery = await openCausalDelivery({
    deliver: ({ id }) => void seen.push(id),
    resend: (request) => void asked.push(request),
    onPark: (view) => void parked.push(view),
    clock,
    ...options,
  });
  return { clock, seen, asked, parked, inbox };
}

test('[2,0,0] before [1,0,0] is held, and released behind it', async () => {
  const { inbox, seen } = await world();
  expect(await inbox.accept(event(0, [2, 0, 0]))).toBe('held');
  expect(seen).toEqual([]);
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('delivered');
  expect(seen).toEqual(['a1', 'a2']);
});

test('[1,1,0] of another producer before [1,0,0] is held', async () => {
  const { inbox, seen } = await world();
  expect(await inbox.accept(event(1, [1, 1, 0]))).toBe('held');
  expect(inbox.view('saga').gaps).toEqual([{ producer: 'a', from: 1, to: 1 }]);
  await inbox.accept(event(0, [1, 0, 0]));
  expect(seen).toEqual(['a1', 'b1']);
});

test('a duplicate is dropped, of what was delivered and of what is held', async () => {
  const { inbox, seen } = await world();
  await inbox.accept(event(0, [1, 0, 0]));
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('duplicate');
  await inbox.accept(event(0, [3, 0, 0]));
  expect(await inbox.accept(event(0, [3, 0, 0]))).toBe('duplicate');
  expect(seen).toEqual(['a1']);
});

test('concurrent events pass each other, and scopes do not wait for one another', async () => {
  const { inbox, seen } = await world();
  await inbox.accept(event(2, [0, 0, 2]));
  expect(await inbox.accept(event(1, [0, 1, 0]))).toBe('delivered');
  expect(await inbox.accept(event(0, [1, 0, 0], 'other'))).toBe('delivered');
  expect(seen).toEqual(['b1', 'a1']);
});

test('a gap is asked for after 30 s, three times, and then parks the scope; what comes late lets it go on', async () => {
  const { inbox, seen, asked, parked, clock } = await world();
  await inbox.accept(event(0, [4, 0, 0]));
  await inbox.accept(event(0, [2, 0, 0]));
  await clock.advance(29_999);
  expect(asked).toEqual([]);
  await clock.advance(1);
  expect(asked).toEqual([{ scope: 'saga', producer: 'a', from: 1, to: 3 }]);
  await clock.advance(60_000);
  expect([asked.length, parked]).toEqual([3, []]);
  await clock.advance(30_000);
  expect(parked).toMatchObject([
    { scope: 'saga', parked: 'causal-gap', held: 2, gaps: [{ producer: 'a', from: 1, to: 3 }] },
  ]);
  expect(clock.pendingTimers).toBe(0);
  await inbox.accept(event(0, [1, 0, 0]));
  expect(seen).toEqual(['a1', 'a2']);
  expect(inbox.view('saga')).toMatchObject({ parked: undefined, gaps: [{ producer: 'a', from: 3, to: 3 }] });
});

test('a person may give up what is missing, or ask again', async () => {
  const { inbox, seen, asked, clock } = await world({ resendRounds: 0 });
  await inbox.accept(event(0, [3, 0, 0]));
  await clock.advance(30_000);
  expect(inbox.parked().map(({ scope }) => scope)).toEqual(['saga']);
  await inbox.retry('saga');
  expect([inbox.parked(), asked.length]).toEqual([[], 1]);
  await inbox.skip('saga');
  expect(seen).toEqual(['a3']);
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('duplicate');
});

test('an early event beyond the bound is refused, one that can be delivered never is', async () => {
  const { inbox, seen } = await world({ maxEvents: 2 });
  await inbox.accept(event(0, [2, 0, 0]));
  await inbox.accept(event(0, [3, 0, 0]));
  expect(await inbox.accept(event(0, [4, 0, 0]))).toBe('refused');
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('delivered');
  expect(await inbox.accept(event(0, [4, 0, 0]))).toBe('delivered');
  expect(seen).toEqual(['a1', 'a2', 'a3', 'a4']);
});

test('bytes are bounded too, in a scope and in all', async () => {
  const big = { ...event(0, [2, 0, 0]), payload: 'x'.repeat(600) };
  const one = await world({ maxBytes: 500 });
  expect(await one.inbox.accept(big)).toBe('refused');
  const all = await world({ maxTotalBytes: 1000 });
  expect(await all.inbox.accept(big)).toBe('held');
  expect(await all.inbox.accept({ ...big, scope: 'other' })).toBe('refused');
  await all.inbox.retire('saga');
  expect(await all.inbox.accept({ ...big, scope: 'other' })).toBe('held');
});

test('a handler that throws rejects the call, and the event is not taken', async () => {
  const faults = [new Error('not now')];
  const seen: string[] = [];
  const { inbox } = await world({
    deliver: ({ id }) => {
      const fault = faults.pop();
      if (fault !== undefined) throw fault;
      seen.push(id);
    },
  });
  await expect(inbox.accept(event(0, [1, 0, 0]))).rejects.toThrow('not now');
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('delivered');
  expect(seen).toEqual(['a1']);
});

test('a kept event whose handler throws is tried five times, a second apart, and then parks the scope', async () => {
  const observer = recordingObserver();
  let calls = 0;
  const { inbox, clock, parked } = await world({
    observer,
    deliver: ({ id }) => {
      if (id !== 'a2') return;
      calls++;
      throw new Error('poison');
    },
  });
  await inbox.accept(event(0, [2, 0, 0]));
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('delivered');
  await clock.advance(10_000);
  expect(calls).toBe(5);
  expect(parked).toMatchObject([{ parked: 'delivery-failed', held: 1, gaps: [] }]);
  await inbox.skip('saga');
  expect(inbox.view('saga')).toMatchObject({ held: 0, parked: undefined, vector: { a: 2 } });
});

test('a scope that is over answers late events, until its retention ends', async () => {
  const { inbox, clock } = await world({ retention: '1m' });
  await inbox.accept(event(0, [2, 0, 0]));
  await inbox.retire('saga');
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('retired');
  expect(clock.pendingTimers).toBe(0);
  clock.stepWallClock(60_000);
  await inbox.retire('other');
  expect(await inbox.accept(event(0, [1, 0, 0]))).toBe('delivered');
});

test('close aborts the handler, and refuses what comes later', async () => {
  const { inbox } = await world({
    deliver: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const running = inbox.accept(event(0, [1, 0, 0]));
  await Promise.resolve();
  await Promise.all([inbox.close(), expect(running).rejects.toThrow('the causal delivery is closed')]);
  await expect(inbox.accept(event(0, [1, 0, 0]))).rejects.toMatchObject({ code: 'MAKEGOOD_CAUSAL_DELIVERY_CLOSED' });
});

test('refuses events whose numbers can never be reached', async () => {
  const { inbox } = await world();
  const good = event(0, [1, 0, 0]);
  for (const [wrong, message] of [
    [{ ...good, vector: { b: 1 } }, 'Expected vector of causal event "a1" to count the event itself, got none of "a"'],
    [{ ...good, vector: { a: 1.5 } }, 'Expected vector of causal event "a1" to hold integers ≥ 0, got 1.5 for "a"'],
    [{ ...good, scope: '' }, 'Expected scope of a causal event to be text of 1 to 1000 characters, got ""'],
  ] as const)
    await expect(inbox.accept(wrong)).rejects.toThrow(message);
  await expect(openCausalDelivery({ deliver: () => 0, maxEvents: 0 })).rejects.toThrow(
    'Expected maxEvents to be an integer ≥ 1, got 0',
  );
  await memoryEntryLog<CausalEntry>().close();
});

test('a producer named like a property of every object is a producer like any other', async () => {
  const { inbox, seen } = await world();
  const vector = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, number>;
  await inbox.accept({ scope: 's', id: 'late', producer: 'constructor', vector, payload: null });
  await inbox.accept({
    scope: 's',
    id: 'first',
    producer: 'constructor',
    vector: JSON.parse('{"constructor": 1}') as Record<string, number>,
    payload: null,
  });
  const own = JSON.parse('{"__proto__": 1}') as Record<string, number>;
  await inbox.accept({ scope: 's', id: 'proto', producer: '__proto__', vector: own, payload: null });
  expect(seen).toEqual(['first', 'proto', 'late']);
});
