/** Saga-first calls and compensators, in virtual time, with participants that count effects. */
import { describe, expect, test } from 'vitest';
import {
  type Compensation,
  memorySagaFirstStore,
  openCompensator,
  type OperationCall,
  sagaFirst,
  type SagaFirstOptions,
} from '../../src/saga-first/index.ts';
import { TerminalError } from '../../src/saga/index.ts';
import {
  type ScriptedParticipantOptions,
  recordingObserver,
  scriptedParticipant,
  seededRandom,
  testClock,
} from '../../src/testing/index.ts';

const id = 'order-7/charge';
const none = { doubles: [], lost: [], strays: [] };

/** A bank with a script, a store, and calls to it; `probe` lets compensators ask it. */
function world(script: ScriptedParticipantOptions = {}, over: Partial<SagaFirstOptions> & { probe?: boolean } = {}) {
  const clock = testClock();
  const store = memorySagaFirstStore({ clock });
  const bank = scriptedParticipant({ ...script, clock });
  const { probe = false, ...options } = over;
  const refund: Compensation = {
    compensate: (call) => bank.compensation(call),
    ...(probe
      ? { probe: async ({ operationKey }) => ({ applied: await bank.status({ idempotencyKey: operationKey }) }) }
      : {}),
  };
  const compensations = { refund };
  const random = seededRandom(1);
  const calls = sagaFirst({ store, compensations, clock, random, ...options });
  const run = (signal?: AbortSignal) =>
    calls.run(
      (call) => bank.action(call),
      { name: 'refund', args: { order: 7 } },
      signal === undefined ? { id } : { id, signal },
    );
  const compensator = () => openCompensator({ store, compensations, clock, random });
  const status = async () => (await store.read(id))?.state.status;
  return { clock, store, bank, calls, run, compensator, status, compensations };
}

/** What a promise comes to, with as much time as it needs. */
async function settled<Value>(clock: ReturnType<typeof testClock>, promise: Promise<Value>) {
  const outcome = Promise.allSettled([promise]);
  await clock.runAll();
  return (await outcome)[0] as PromiseSettledResult<Value>;
}

describe('a call', () => {
  test('is answered with its result when that is confirmed, and the same id gets the same again', async () => {
    const { run, bank, status } = world();
    expect(await run()).toBe(id);
    expect(await status()).toBe('confirmed');
    expect(await run()).toBe(id);
    expect(bank.effects.entries.get(id)).toEqual({ applied: 1, undone: 0, calls: 1 });
  });

  test('is not made when its compensation could not be registered', async () => {
    const { store, bank, run } = world();
    await store.close();
    await expect(run()).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_FIRST_STORE_CLOSED' });
    expect(bank.effects.entries.size).toBe(0);
  });

  test('that is refused is undone at once, and the caller is told why', async () => {
    const { run, clock, bank, status } = world({ action: ['refuse'] });
    await expect(run()).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_FIRST_UNDONE',
      failure: { code: 'REFUSED' },
      cause: { businessCode: 'REFUSED' },
    });
    expect(clock.monotonicMs()).toBe(0);
    expect(await status()).toBe('compensated');
    expect(bank.effects.audit([])).toEqual(none);
  });

  test('whose failure passes is made again after 1, 2 and 4 s at most, under one key', async () => {
    const { run, clock, store } = world({ action: ['transient', 'transient', 'transient', 'ok'] });
    expect(await settled(clock, run())).toMatchObject({ value: id });
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(3500);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(7000);
    expect((await store.read(id))?.state).toMatchObject({ status: 'confirmed', operationAttempts: 4 });
  });

  test('that fails four times is a person’s, not undone and not told as failed', async () => {
    const { run, clock, bank, status } = world({ action: () => 'transient' });
    expect(await settled(clock, run())).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_NEEDS_HUMAN' } });
    expect(bank.effects.entries.get(id)?.calls).toBe(4);
    expect(await status()).toBe('needs-human');
  });

  test('in the synchronous channel is made once, and any failure is undone at once', async () => {
    const { run, clock, bank, status } = world({ action: () => 'transient' }, { channel: 'synchronous' });
    await expect(run()).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_FIRST_UNDONE' });
    expect([clock.monotonicMs(), bank.effects.entries.get(id)?.calls]).toEqual([0, 2]);
    expect(await status()).toBe('compensated');
  });

  test('that took effect and was never answered is asked again under the same key, and counts once', async () => {
    const { run, clock, bank } = world({ action: ['effect-then-timeout', 'ok'] });
    expect(await settled(clock, run())).toMatchObject({ value: id });
    expect(bank.effects.audit([id])).toEqual(none);
  });

  test('that does not return is not undone before its settle time', async () => {
    const { clock, store } = world();
    const { promise: never } = Promise.withResolvers<void>();
    const undone: number[] = [];
    const compensations = { refund: { compensate: () => undone.push(clock.monotonicMs()) } };
    const calls = sagaFirst({ store, compensations, clock, channel: 'synchronous' });
    await settled(
      clock,
      calls.run(() => never, { name: 'refund' }, { id }),
    );
    expect(undone).toEqual([3000 + 30_000 + 2000]);
  });

  test('whose caller gives up is undone all the same, and rejects with the caller’s own reason', async () => {
    const { run, clock, bank, status } = world({ action: ['slow'] });
    const controller = new AbortController();
    const outcome = settled(clock, run(controller.signal));
    controller.abort('enough');
    expect(await outcome).toEqual({ status: 'rejected', reason: 'enough' });
    expect(await status()).toBe('compensated');
    expect(bank.effects.audit([])).toEqual(none);
  });

  test('with a result that JSON cannot carry is undone', async () => {
    const { run, clock, bank, status } = world({ action: ['garbage'] });
    expect(await settled(clock, run())).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_UNDONE' } });
    expect(await status()).toBe('compensated');
    expect(bank.effects.undone).toEqual([id]);
  });

  test('of an id that stands for another compensation is refused and not made', async () => {
    const { calls, run } = world();
    await run();
    let called = 0;
    const other = calls.run(() => called++, { name: 'refund', args: { order: 8 } }, { id });
    await expect(other).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_FIRST_CONFLICT' });
    expect(called).toBe(0);
  });

  test('with a compensation nobody knows, a bad id or bad options is refused before anything is registered', async () => {
    const { calls, store } = world();
    await expect(calls.run(() => 1, { name: 'nothing' }, { id })).rejects.toThrow(/one of refund, got "nothing"/);
    await expect(calls.run(() => 1, { name: 'refund' }, { id: 'a b' })).rejects.toThrow(TypeError);
    expect((await store.list({ statuses: ['registered'] })).items).toEqual([]);
    expect(() => sagaFirst({ store, compensations: {}, channel: 'both' as 'synchronous' })).toThrow(TypeError);
    expect(() => sagaFirst({ store, compensations: { a: {} as Compensation } })).toThrow(/compensate to be a function/);
  });
});

describe('the compensation', () => {
  test('is called four times, after 1, 2 and 4 s at most, and then a person is asked; one who retries gives four more', async () => {
    const failing = ['transient', 'transient', 'transient', 'transient', 'transient', 'ok'] as const;
    const { run, clock, store, status, compensator } = world({ action: ['refuse'], compensation: failing });
    expect(await settled(clock, run())).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_NEEDS_HUMAN' } });
    expect(clock.monotonicMs()).toBeLessThanOrEqual(7000);
    expect((await store.read(id))?.state).toMatchObject({ compensationAttempts: 4, generation: 0 });
    await using finishing = compensator();
    await clock.advance(60_000);
    expect((await finishing.attention.list()).map((state) => state.id)).toEqual([id]);
    await finishing.attention.retry(id, { by: 'ada' });
    await clock.advance(5000);
    expect(await status()).toBe('compensated');
    await expect(finishing.attention.retry(id, { by: 'ada' })).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_FIRST_NOT_WAITING',
    });
  });

  test('that refuses for good is not called again; a person may say it is done', async () => {
    const { run, clock, bank, store, status, compensator } = world({ action: ['refuse'], compensation: ['refuse'] });
    expect(await settled(clock, run())).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_NEEDS_HUMAN' } });
    expect(bank.effects.entries.get(id)?.calls).toBe(2);
    await using finishing = compensator();
    await finishing.attention.resolve(id, { by: 'ada', note: 'refunded by phone' });
    await clock.advance(60_000);
    expect(await status()).toBe('resolved');
    expect((await store.read(id))?.state.compensationAttempts).toBe(1);
  });

  test('of a released step never runs; that of a confirmed one runs when its saga is undone', async () => {
    const { run, calls, bank, status } = world();
    await run();
    expect(await calls.release(id)).toBe(true);
    expect(await calls.release(id)).toBe(true);
    expect((await calls.undo(id)).status).toBe('released');
    expect(bank.effects.audit([id])).toEqual(none);
    const other = world();
    await other.run();
    expect((await other.calls.undo(id)).status).toBe('compensated');
    expect(other.bank.effects.undone).toEqual([id]);
    expect(await other.calls.release(id)).toBe(false);
    expect(await status()).toBe('released');
  });
});

/** A caller that registers, calls, and is never heard of again. */
async function abandoned(script: ScriptedParticipantOptions, probe: boolean, sends: boolean) {
  const made = world(script, { probe });
  const call: OperationCall = {
    id,
    idempotencyKey: `${id}/action`,
    attempt: 1,
    signal: new AbortController().signal,
  };
  const registration = {
    name: 'refund',
    args: { order: 7 },
    operationKey: call.idempotencyKey,
    settleAfterMs: 33_000,
    version: '1',
  };
  await made.store.register(id, registration);
  if (sends) await made.bank.action(call).catch(() => undefined);
  return { ...made, call };
}

describe('a compensator finishes for a caller that died', () => {
  test('not before the settle time, and then undoes what may have happened', async () => {
    const { clock, compensator, status, bank } = await abandoned({}, false, true);
    await using _ = compensator();
    await clock.advance(34_000);
    expect(await status()).toBe('registered');
    await clock.advance(2000);
    expect(await status()).toBe('compensated');
    expect(bank.effects.undone).toEqual([id]);
  });

  test('asks, where it can, and confirms what did happen; the caller’s own repetition then gets its result', async () => {
    const { clock, compensator, status, bank, run } = await abandoned({}, true, true);
    await using _ = compensator();
    await clock.advance(40_000);
    expect(await status()).toBe('confirmed');
    expect(await run()).toBe(null);
    expect(bank.effects.audit([id])).toEqual(none);
  });

  test('asks, and calls it nothing when it did not happen: the operation that comes late is refused', async () => {
    const { clock, compensator, status, bank, call } = await abandoned({}, true, false);
    await using _ = compensator();
    await clock.advance(40_000);
    expect(await status()).toBe('noop');
    await expect(bank.action(call)).rejects.toThrow(TerminalError);
    expect(bank.effects.audit([])).toEqual(none);
  });

  test('many compensators make one undoing', async () => {
    const { clock, compensator, status, bank } = await abandoned({}, false, true);
    const working = Array.from({ length: 4 }, compensator);
    await clock.advance(60_000);
    expect(await status()).toBe('compensated');
    expect(bank.effects.entries.get(id)).toEqual({ applied: 1, undone: 1, calls: 2 });
    await Promise.all(working.map((each) => each.close()));
    expect(clock.pendingTimers).toBe(0);
  });

  test('and leaves alone, and tells, what only another knows how to undo', async () => {
    const { clock, store, status } = await abandoned({}, false, true);
    const observer = recordingObserver();
    await using _ = openCompensator({ store, compensations: {}, clock, observer, pollEvery: '1m' });
    await clock.advance(60_000);
    expect(await status()).toBe('registered');
    expect(observer.events).toEqual([{ type: 'saga-first.blocked', id, compensation: 'refund' }]);
  });

  test('a store that fails is told, and the next pass goes on', async () => {
    const { clock, store, compensations } = await abandoned({}, false, true);
    const observer = recordingObserver();
    await store.close();
    const working = openCompensator({ store, compensations, clock, observer });
    await clock.advance(2000);
    expect(observer.events.map(({ type }) => type)).toEqual(['compensator.failed', 'compensator.failed']);
    await working.close();
    expect(() => openCompensator({ store, compensations, clock, concurrency: 0 })).toThrow(RangeError);
  });
});

test('a caller that comes again while an earlier call may still arrive does not undo before that is over', async () => {
  const { run, clock, store, bank } = world({ action: ['refuse'] });
  await store.register(id, {
    name: 'refund',
    args: { order: 7 },
    operationKey: `${id}/action`,
    settleAfterMs: 33_000,
    version: '1',
  });
  const running = run();
  await clock.settle();
  expect((await store.read(id))?.state).toMatchObject({ status: 'triggered', mayArrive: true, operationAttempts: 2 });
  expect(await settled(clock, running)).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_UNDONE' } });
  expect(clock.monotonicMs()).toBe(35_000);
  expect(bank.effects.audit([])).toEqual(none);
});

test('of a caller and a compensator that decide at the same time one holds, and the caller is told that one', async () => {
  const { run, clock, store, bank } = world({ action: ['slow'], slowness: '2s' });
  const running = run();
  await clock.settle();
  const { state } = (await store.read(id)) ?? {};
  await store.append(id, { type: 'triggered', reason: 'abandoned' }, state?.seq ?? 0);
  expect(await settled(clock, running)).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_FIRST_UNDONE' } });
  expect(bank.effects.undone).toEqual([id]);
});
