import { expect, expectTypeOf, test } from 'vitest';
import { recordingObserver } from './recording-observer.ts';

type RetryEvent =
  | { readonly type: 'retry.scheduled'; readonly delayMs: number }
  | { readonly type: 'retry.ended'; readonly reason: string };

test('keeps every event in order, and gives those of one type with their type', () => {
  const observer = recordingObserver<RetryEvent>();
  const first = { type: 'retry.scheduled', delayMs: 100 } as const;
  observer(first);
  observer({ type: 'retry.ended', reason: 'attempts-exhausted' });
  expect(observer.events[0]).toBe(first);
  expect(observer.events.map((event) => event.type)).toEqual(['retry.scheduled', 'retry.ended']);
  const ended = observer.ofType('retry.ended');
  expect(ended.map((event) => event.reason)).toEqual(['attempts-exhausted']);
  expectTypeOf(ended).items.toEqualTypeOf<{ readonly type: 'retry.ended'; readonly reason: string }>();
});

test('forgets when told to, and two observers share nothing', () => {
  const [one, other] = [recordingObserver(), recordingObserver()];
  one({ type: 'a' });
  expect(other.events).toEqual([]);
  one.clear();
  expect([one.events, one.ofType('a')]).toEqual([[], []]);
});
