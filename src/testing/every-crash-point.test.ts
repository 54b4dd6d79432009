import { expect, test } from 'vitest';
import { constant } from '../backoff/constant.ts';
import { saga } from '../saga/saga.ts';
import { type CrashPointError, type CrashScenario, forEveryCrashPoint } from './every-crash-point.ts';
import { type ScriptedParticipantOptions, scriptedParticipant } from './scripted-participant.ts';

const retry = { maxAttempts: 8, backoff: constant('1m'), retryable: () => true };

/** Two steps at one participant; the client waits for the outcome. */
function scenario(options: ScriptedParticipantOptions, over: { maxAttempts?: number } = {}): CrashScenario<unknown> {
  const bank = scriptedParticipant(options);
  const step = {
    run: bank.action,
    compensate: bank.compensation,
    retry: { ...retry, ...over },
    compensationRetry: retry,
    maxFlight: 0,
  };
  const pay = saga('pay').input<null>().step('reserve', step).step('charge', step).output();
  return {
    sagas: [pay],
    run: async (tempo) => (await tempo.start(pay, { id: 'p', input: null })).outcome(),
    effects: () => [bank.effects.standing, bank.effects.audit(bank.effects.standing)],
  };
}

const none = { doubles: [], lost: [], strays: [] };

test('a saga that completes does so wherever its process dies, with the same effects', async () => {
  const report = await forEveryCrashPoint(() => scenario({}));
  expect(report).toMatchObject({ result: { status: 'completed' }, effects: [['p/charge', 'p/reserve'], none] });
  expect(report.crashes).toBe(2 * 3);
  expect(report.records).toBe(6);
});

test('a saga that is refused is undone wherever its process dies, and wherever the next one dies', async () => {
  const report = await forEveryCrashPoint(
    () => scenario({ action: (_, key) => (key.includes('charge') ? 'refuse' : 'ok') }),
    { deaths: 2 },
  );
  expect(report).toMatchObject({ result: { status: 'compensated' }, effects: [[], none] });
  expect(report.crashes).toBeGreaterThan(50);
});

test('a participant that does not know its keys again is found out, with the point and the history', async () => {
  const failing = forEveryCrashPoint(() => scenario({ idempotent: false }));
  const error = await failing.then(
    () => undefined,
    (thrown: CrashPointError) => thrown,
  );
  expect(error).toMatchObject({ code: 'MAKEGOOD_CRASH_POINT', expected: { effects: [expect.anything(), none] } });
  expect(error?.message).toMatch(
    /^a crash before record \d+, step-confirmed of "reserve" in saga "p", changes the end/,
  );
  expect(error?.history.map(({ epoch }) => epoch)).toContain(2);
});

test('attempts that a crash used up and that were too few are found out', async () => {
  await expect(forEveryCrashPoint(() => scenario({}, { maxAttempts: 1 }))).rejects.toMatchObject({
    code: 'MAKEGOOD_CRASH_POINT',
    actual: { result: { status: 'compensated' } },
  });
});

test('a scenario that fails without a crash fails as it is', async () => {
  const broken: CrashScenario<never> = { sagas: [], run: () => Promise.reject(new Error('of its own')) };
  await expect(forEveryCrashPoint(() => broken)).rejects.toThrow('of its own');
  await expect(forEveryCrashPoint(() => broken, { deaths: 3 as 2 })).rejects.toThrow(RangeError);
});
