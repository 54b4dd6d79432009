import { expect, test } from 'vitest';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import { type ConsumerSession, SupervisedSubscription } from './supervised-subscription.ts';

/** A consumer whose sessions can be made to fail, to fall silent, and to be slow to stop. */
function scriptedConsumer() {
  const clock = testClock();
  const observer = recordingObserver<ChoreographyEvent>();
  const sessions: { heard: number; end: (error?: Error) => void; stops: boolean[]; release: () => void }[] = [];
  const failures: Error[] = [];
  const connect = async (): Promise<ConsumerSession> => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    const ending = Promise.withResolvers<void>();
    const end = (error?: Error): void => (error === undefined ? ending.resolve() : ending.reject(error));
    const session = { heard: clock.monotonicMs(), end, stops: [] as boolean[], release: (): void => undefined };
    sessions.push(session);
    const stop: ConsumerSession['stop'] = ({ abort }) => {
      session.stops.push(abort);
      return new Promise((resolve) => void (session.release = resolve));
    };
    return { ended: ending.promise, heardAtMs: () => session.heard, stop };
  };
  const options = { connect, stallAfterMs: 5000, clock, observer, topic: 't', group: 'g' };
  return { clock, observer, sessions, failures, subscription: new SupervisedSubscription(options) };
}

test('a consumer that hears nothing for its time is given up, and a new one begins when its handlers have ended', async () => {
  const { clock, observer, sessions, subscription } = scriptedConsumer();
  await subscription.start();
  await clock.advance(4999);
  if (sessions[0] !== undefined) sessions[0].heard = clock.monotonicMs();
  await clock.advance(4999);
  expect([sessions[0]?.stops, subscription.restarts]).toEqual([[], 0]);
  await clock.advance(1);
  expect(sessions[0]?.stops).toEqual([true]);
  await clock.advance(60_000);
  expect(sessions).toHaveLength(1);
  sessions[0]?.release();
  await clock.advance(100);
  expect([sessions.length, subscription.restarts, subscription.state]).toEqual([2, 1, 'consuming']);
  expect(observer.events.map(({ type }) => type)).toEqual(['choreography.consumer-restarted']);
});

test('a consumer that ends is built anew, as often as it takes, at most every 5 s', async () => {
  const { clock, sessions, failures, subscription } = scriptedConsumer();
  await subscription.start();
  failures.push(...Array.from({ length: 10 }, () => new Error('connection refused')));
  sessions[0]?.end(new Error('reset'));
  await clock.settle();
  sessions[0]?.release();
  await clock.advance(100);
  expect(subscription.state).toBe('reconnecting');
  await clock.advance(200 + 400 + 800 + 1600 + 3200 + 5000 * 5);
  expect([sessions.length, subscription.state]).toEqual([2, 'consuming']);
});

test('what goes wrong at the first connection is told to the caller', async () => {
  const { failures, subscription } = scriptedConsumer();
  failures.push(new Error('no such host'));
  await expect(subscription.start()).rejects.toThrow('no such host');
});

test('close stops the session without haste, waits for it, and leaves no timer', async () => {
  const { clock, sessions, subscription } = scriptedConsumer();
  await subscription.start();
  const closing = subscription.close();
  await clock.settle();
  expect([sessions[0]?.stops, subscription.state]).toEqual([[false], 'closed']);
  sessions[0]?.release();
  await closing;
  await subscription.close();
  expect(clock.pendingTimers).toBe(0);
});

test('close ends a consumer that is trying to come back', async () => {
  const { clock, sessions, failures, subscription } = scriptedConsumer();
  await subscription.start();
  failures.push(...Array.from({ length: 100 }, () => new Error('connection refused')));
  sessions[0]?.end();
  await clock.settle();
  sessions[0]?.release();
  await clock.advance(1000);
  await subscription.close();
  expect(clock.pendingTimers).toBe(0);
});
