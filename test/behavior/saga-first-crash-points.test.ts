/**
 * The crash points K0 to K25 of a saga-first step, by their names, on the write-ahead log over a disk that loses what was
 * not synced. K21 is every operation on that disk. K22 (checkpoints of the log) is in the log's own tests, K23 (consumer
 * offsets) waits for stores on brokers, K24 (a leader that forgets) is refused where it can be asked for: see
 * test/integration/postgres/saga-first-store.test.ts, and the model's R7.
 */
import { describe, expect, test } from 'vitest';
import { saga } from '../../src/saga/index.ts';
import { scriptedParticipant, testTempo } from '../../src/testing/index.ts';
import { type Death, MortalWorld } from './mortal-saga-first.ts';

const id = 'order-7/charge';
const none = { doubles: [], lost: [], strays: [] };
const operation = { idempotencyKey: `${id}/action`, signal: new AbortController().signal };

/** Lets a process charge until it dies. */
async function chargeAndDie(world: MortalWorld, death: Death): Promise<void> {
  void world.charge(await world.start(death), id);
  await world.clock.runAll();
  expect(world.running.dead).toBe(true);
}

describe('the registration', () => {
  test('K0 before it is sent: nothing is there, and the client’s repetition starts it', async () => {
    const world = new MortalWorld();
    await chargeAndDie(world, { record: 'registered', durable: false });
    expect(world.bank.effects.entries.size).toBe(0);
    expect((await world.recover()).statuses).toEqual({});
    expect((await world.recover((calls) => world.charge(calls, id))).statuses).toEqual({ [id]: 'confirmed' });
    expect(world.bank.effects.audit([id])).toEqual(none);
  });

  test('K1 sent and not acknowledged: it stands once, and without its caller comes to nothing', async () => {
    const world = new MortalWorld();
    await chargeAndDie(world, { record: 'registered', durable: true });
    expect(world.bank.effects.entries.size).toBe(0);
    expect((await world.recover()).statuses).toEqual({ [id]: 'compensated' });
    expect(world.bank.effects.audit([])).toEqual(none);
  });

  test('K1 sent twice: the repetition finds the first', async () => {
    const world = new MortalWorld();
    await chargeAndDie(world, { record: 'registered', durable: true });
    const { statuses, written } = await world.recover((calls) => world.charge(calls, id));
    expect(statuses).toEqual({ [id]: 'confirmed' });
    expect(written).toEqual(['registered', 'attempted', 'confirmed']);
    expect(world.bank.effects.audit([id])).toEqual(none);
  });
});

describe('the operation', () => {
  test.for([false, true])(
    'K2 acknowledged and not sent: it comes to nothing and is barred; probes: %s',
    async (probes) => {
      const world = new MortalWorld({}, { probes });
      void world.charge(await world.start(), id, 'before the call');
      await world.clock.settle();
      expect((await world.recover()).statuses).toEqual({ [id]: probes ? 'noop' : 'compensated' });
      await expect(world.bank.action(operation)).rejects.toThrow('undone already');
      expect(world.bank.effects.audit([])).toEqual(none);
    },
  );

  test.for(['before', 'after'])('K3 sent, and it arrives %s its undoing: nothing stands', async (when) => {
    const world = new MortalWorld();
    void world.charge(await world.start(), id, 'before the call');
    await world.clock.settle();
    if (when === 'before') await world.bank.action(operation);
    await world.recover();
    await world.bank.action(operation).catch(() => 'refused');
    expect(world.bank.effects.audit([])).toEqual(none);
  });

  test.for([
    { probes: true, status: 'confirmed', standing: [id] },
    { probes: false, status: 'compensated', standing: [] },
  ])(
    'K4 took effect and was not answered: $status, and never both; probes: $probes',
    async ({ probes, status, standing }) => {
      const world = new MortalWorld({}, { probes });
      void world.charge(await world.start(), id, 'after the call');
      await world.clock.settle();
      expect((await world.recover()).statuses).toEqual({ [id]: status });
      expect(world.bank.effects.audit(standing)).toEqual(none);
    },
  );

  test('K5 answered, and its confirmation not yet durable: as K4', async () => {
    const world = new MortalWorld({}, { probes: true });
    await chargeAndDie(world, { record: 'confirmed', durable: false });
    expect((await world.recover()).statuses).toEqual({ [id]: 'confirmed' });
    expect(world.bank.effects.audit([id])).toEqual(none);
  });

  test('K6 confirmed and its caller not told: the effect stays, and the repetition gets the recorded result', async () => {
    const world = new MortalWorld();
    await chargeAndDie(world, { record: 'confirmed', durable: true });
    let answer: unknown;
    const { statuses, written } = await world.recover(async (calls) => (answer = await world.charge(calls, id)));
    expect([statuses, answer]).toEqual([{ [id]: 'confirmed' }, id]);
    expect(written).toEqual(['registered']);
    expect(world.bank.effects.entries.get(id)).toEqual({ applied: 1, undone: 0, calls: 1 });
  });
});

describe('the saga around it', () => {
  const [first, second] = ['order-7/reserve', 'order-7/charge'] as const;

  /** Two steps, one after the other; the saga is released when both are confirmed, and undone when one fails. */
  async function bothSteps(world: MortalWorld, calls: Awaited<ReturnType<MortalWorld['start']>>): Promise<void> {
    try {
      await world.charge(calls, first);
      await world.charge(calls, second);
    } catch {
      await calls.undo(second).catch(() => undefined);
      await calls.undo(first);
      return;
    }
    await calls.release(first);
    await calls.release(second);
  }

  async function dieAt(world: MortalWorld, death: Death): Promise<void> {
    void bothSteps(world, await world.start(death));
    await world.clock.runAll();
    expect(world.running.dead).toBe(true);
  }

  const bothReleased = { [first]: 'released', [second]: 'released' };

  test.for<[string, Death]>([
    [
      'K7 between the first step’s confirmation and the second’s registration',
      { record: 'registered', durable: false, nth: 2 },
    ],
    ['K8 between the last confirmation and the end of the saga', { record: 'released', durable: false }],
    ['K9 between the end of the saga and the last release', { record: 'released', durable: false, nth: 2 }],
  ])('%s: it goes on, and nothing is called again', async ([, death]) => {
    const world = new MortalWorld();
    await dieAt(world, death);
    const { statuses } = await world.recover((calls) => bothSteps(world, calls));
    expect(statuses).toEqual(bothReleased);
    expect(world.bank.effects.entries.get(first)).toEqual({ applied: 1, undone: 0, calls: 1 });
    expect(world.bank.effects.audit([first, second])).toEqual(none);
  });

  test('K9 while nobody comes again, what is confirmed is left alone', async () => {
    const world = new MortalWorld();
    await dieAt(world, { record: 'released', durable: false, nth: 2 });
    expect((await world.recover()).statuses).toEqual({ [first]: 'released', [second]: 'confirmed' });
    expect(world.bank.effects.audit([first, second])).toEqual(none);
  });

  const secondIsRefused = { action: (_: number, key: string) => (key.startsWith(second) ? 'refuse' : 'ok') } as const;

  test.for<[string, Death]>([
    ['K10 between the failure and the decision to undo', { record: 'triggered', durable: false }],
    ['K11 between the first trigger and the last', { record: 'triggered', durable: false, nth: 2 }],
    ['K16 between the last step undone and the one before it', { record: 'triggered', durable: true, nth: 2 }],
    ['K20 between the last step undone and the end of the saga', { record: 'compensated', durable: true, nth: 2 }],
  ])('%s: every step is undone, once', async ([, death]) => {
    const world = new MortalWorld(secondIsRefused);
    await dieAt(world, death);
    const { statuses } = await world.recover((calls) => bothSteps(world, calls));
    expect(statuses).toEqual({ [first]: 'compensated', [second]: 'compensated' });
    expect(world.bank.effects.audit([])).toEqual(none);
    expect(world.bank.effects.entries.get(first)).toMatchObject({ applied: 1, undone: 1 });
  });

  test.for<[string, number]>([
    ['K7', 3],
    ['K8', 5],
    ['K10', 4],
    ['K11', 5],
    ['K16', 7],
    ['K20', 8],
  ])('%s in a saga that Tempo drives, about record %i: the end and the effects are the same', async ([, record]) => {
    for (const refuse of [false, true])
      for (const plan of [{ crashBefore: record }, { crashAfter: record }]) {
        const bank = scriptedParticipant({ action: (_, key) => (refuse && key.includes('charge') ? 'refuse' : 'ok') });
        const step = { run: bank.action, compensate: bank.compensation, retry: { retryable: () => true } };
        const order = saga('order').input<null>().step('reserve', step).step('charge', step).output();
        await using tempo = await testTempo({ sagas: [order], ...plan });
        const run = await tempo.start(order, { id: 'order-7', input: null });
        expect((await tempo.until(run.outcome())).status).toBe(refuse ? 'compensated' : 'completed');
        expect(bank.effects.audit(refuse ? [] : [first, second])).toEqual(none);
      }
  });
});

describe('the compensation', () => {
  const refused = { action: ['refuse'] } as const;
  /** The operation took effect and its answer was lost, so that undoing has an effect. */
  const unanswered = { action: ['effect-then-timeout', 'refuse'] } as const;

  test('K12 triggered and not attempted: attempt 1 is made', async () => {
    const world = new MortalWorld(unanswered);
    await chargeAndDie(world, { record: 'triggered', durable: true });
    const { statuses, written } = await world.recover();
    expect([statuses, written]).toEqual([{ [id]: 'compensated' }, ['attempted', 'compensated']]);
    expect(world.bank.effects.undone).toEqual([id]);
  });

  test('K13 announced and not called: the attempt counts, and three are left', async () => {
    const world = new MortalWorld({ ...refused, compensation: () => 'transient' });
    await chargeAndDie(world, { record: 'attempted', durable: true });
    const { statuses, written } = await world.recover();
    expect(statuses).toEqual({ [id]: 'needs-human' });
    expect(written).toEqual(['attempted', 'attempted', 'attempted', 'escalated']);
    expect(world.bank.effects.entries.get(id)?.calls).toBe(1 + 3);
  });

  test.for<[string, Death]>([
    ['K14 took effect and was not answered', { record: 'compensated', durable: false }],
    ['K15 answered and not yet on record', { record: 'compensated', durable: false }],
  ])('%s: the next attempt is a repetition, and undoes nothing twice', async ([, death]) => {
    const world = new MortalWorld(unanswered);
    await chargeAndDie(world, death);
    expect(world.bank.effects.undone).toEqual([id]);
    const { statuses, written } = await world.recover();
    expect([statuses, written]).toEqual([{ [id]: 'compensated' }, ['attempted', 'compensated']]);
    expect(world.bank.effects.audit([])).toEqual(none);
  });

  test('K15 on record and nobody told: it is not called again', async () => {
    const world = new MortalWorld(unanswered);
    await chargeAndDie(world, { record: 'compensated', durable: true });
    const { calls } = world.bank.effects.entries.get(id) ?? {};
    expect((await world.recover()).written).toEqual([]);
    expect(world.bank.effects.entries.get(id)?.calls).toBe(calls);
  });

  test('K17 four failed attempts and no escalation on record: it is escalated, and not called a fifth time', async () => {
    const world = new MortalWorld({ ...refused, compensation: () => 'transient' });
    await chargeAndDie(world, { record: 'escalated', durable: false });
    const { written, attention } = await world.recover();
    expect([written, attention]).toEqual([['escalated'], [id]]);
    expect(world.bank.effects.entries.get(id)?.calls).toBe(1 + 4);
  });

  test('K18 escalated and nobody told: the queue of people has it, from the records', async () => {
    const world = new MortalWorld({ ...refused, compensation: () => 'transient' });
    await chargeAndDie(world, { record: 'escalated', durable: true });
    const { written, attention } = await world.recover();
    expect([written, attention]).toEqual([[], [id]]);
  });

  test('K19 resolved by a person and the queue not cleared: it is gone from the queue, and automation is over', async () => {
    const world = new MortalWorld({ ...refused, compensation: () => 'transient' });
    await chargeAndDie(world, { record: 'escalated', durable: true });
    world.crash();
    await world.start({ record: 'resolved', durable: true });
    void world.running.append(
      id,
      { type: 'resolved', by: 'ada', note: 'by phone' },
      (await world.running.read(id))?.state.seq ?? 0,
    );
    await world.clock.settle();
    expect(world.running.dead).toBe(true);
    const { statuses, attention, written } = await world.recover();
    expect([statuses, attention, written]).toEqual([{ [id]: 'resolved' }, [], []]);
  });

  test('K25 two compensators at once: one attempt each number, one undoing', async () => {
    const world = new MortalWorld({ ...unanswered, compensation: ['slow'], slowness: '2s' });
    await chargeAndDie(world, { record: 'triggered', durable: true });
    const { statuses, written } = await world.recover((calls) => Promise.all([calls.undo(id), calls.undo(id)]));
    expect(statuses).toEqual({ [id]: 'compensated' });
    expect(written.filter((type) => type === 'compensated')).toHaveLength(1);
    expect(world.bank.effects.audit([])).toEqual(none);
  });
});

test('K21 the power fails at every operation on the disk: what was told holds, and nothing happens twice', async () => {
  let failsAt = 0;
  for (let failed = true; failed; ) {
    failsAt++;
    const script = { action: ['transient', 'effect-then-timeout', 'ok'] } as const;
    const world = new MortalWorld(script, { probes: true, seed: failsAt });
    world.files.faults.powerFailsAt = failsAt;
    let told: unknown;
    const charging = world.start().then((calls) => world.charge(calls, id));
    charging.then((result) => (told = result)).catch(() => undefined);
    await world.clock.runAll();
    failed = told === undefined;
    const { statuses } = await world.recover(failed ? (calls) => world.charge(calls, id) : undefined);
    expect(['confirmed', 'compensated', 'noop']).toContain(statuses[id]);
    if (!failed) expect(statuses[id]).toBe('confirmed');
    expect(world.bank.effects.audit(statuses[id] === 'confirmed' ? [id] : [])).toEqual(none);
  }
  expect(failsAt).toBeGreaterThan(15);
});
