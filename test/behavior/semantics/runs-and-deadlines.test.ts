import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { testTempo } from '../../../src/testing/index.ts';
import { open } from './bench.ts';

const undo = (): void => undefined;

/** Declines its first run, and keeps the keys that its step was called with. */
function declining(keys: string[]) {
  return saga('pay')
    .input<{ amount: number }>()
    .step('charge', {
      run: ({ input, idempotencyKey }) => {
        keys.push(idempotencyKey);
        if (keys.length === 1) throw new TerminalError('declined');
        return input.amount;
      },
      compensate: undo,
    })
    .output(({ results }) => results.charge);
}

describe('§6 restartAsNew', () => {
  test('a saga that has ended is run anew, as one of its own: another id, other keys, the same input and headers', async () => {
    const keys: string[] = [];
    const pay = declining(keys);
    await using bench = await open([pay]);
    const first = await bench.tempo.start(pay, { id: 'p', input: { amount: 5 }, headers: { tenant: 'a' } });
    expect(await first.outcome()).toMatchObject({ status: 'compensated' });
    const second = await bench.tempo.restartAsNew('p');
    expect(second).toMatchObject({ id: 'p@2', created: true });
    expect(await second.result()).toBe(5);
    expect(keys).toEqual(['p/charge/action', 'p@2/charge/action']);
    expect(await bench.tempo.get('p@2')).toMatchObject({ run: { of: 'p', number: 2 }, input: { amount: 5 } });
    expect((await bench.tempo.history('p@2'))[0]).toMatchObject({ headers: { tenant: 'a' } });
    expect(await bench.tempo.get('p')).toMatchObject({ status: 'compensated' });
  });

  test('asked twice of one run it gives one next run; the run after that is asked of the next', async () => {
    const keys: string[] = [];
    const pay = declining(keys);
    await using bench = await open([pay]);
    await (await bench.tempo.start(pay, { id: 'p', input: { amount: 5 } })).outcome();
    const [one, two] = await Promise.all([bench.tempo.restartAsNew('p'), bench.tempo.restartAsNew('p')]);
    expect([one.id, two.id, one.created, two.created]).toEqual(['p@2', 'p@2', true, false]);
    await one.outcome();
    expect(await bench.tempo.restartAsNew('p')).toMatchObject({ id: 'p@2', created: false });
    const third = await bench.tempo.restartAsNew('p@2', { input: { amount: 6 } });
    expect(third).toMatchObject({ id: 'p@3', created: true });
    await third.outcome();
    await expect(bench.tempo.restartAsNew('p@2', { input: { amount: 7 } })).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_CONFLICT',
    });
    expect(keys.length).toBe(3);
  });

  test('under another version of its definition, whose schema checks the input that it gets', async () => {
    const keys: string[] = [];
    const pay = declining(keys);
    const fixed = saga('pay', { version: '2' })
      .input<{ amount: number }>()
      .step('charge', { run: ({ input }) => input.amount * 100, compensate: undo })
      .output(({ results }) => results.charge);
    await using bench = await open([pay, fixed]);
    await (await bench.tempo.start(pay, { id: 'p', input: { amount: 5 } })).outcome();
    const run = await bench.tempo.restartAsNew('p', { saga: fixed });
    expect(await run.result()).toBe(500);
    expect(await bench.tempo.get('p@2')).toMatchObject({ version: '2' });
  });

  test('refused, with nothing started: it has not ended, it is a step of another, it is not here, it is another saga', async () => {
    const child = saga('child')
      .input<null>()
      .step('work', { run: () => 1, compensate: undo })
      .output();
    const parent = saga('parent')
      .input<null>()
      .child('part', child, () => null)
      .wait('go')
      .output();
    const other = saga('other')
      .input<null>()
      .step('x', { run: () => 1, readOnly: true })
      .output();
    await using bench = await open([parent, other]);
    await bench.tempo.start(parent, { id: 'p', input: null });
    await bench.clock.settle();
    const refusal = { code: 'MAKEGOOD_RESTART_REFUSED', message: expect.stringContaining('nothing was started') };
    await expect(bench.tempo.restartAsNew('p')).rejects.toMatchObject(refusal);
    await expect(bench.tempo.restartAsNew('nobody')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_NOT_FOUND' });
    await bench.tempo.signal('p', 'go');
    await bench.clock.settle();
    expect(await bench.tempo.get('p~part')).toMatchObject({ status: 'completed' });
    await expect(bench.tempo.restartAsNew('p~part')).rejects.toMatchObject(refusal);
    await expect(bench.tempo.restartAsNew('p', { saga: other as never })).rejects.toMatchObject(refusal);
    expect((await bench.tempo.list()).items.map(({ id }) => id).toSorted()).toEqual(['p', 'p~part']);
  });

  test('the next run is durable and goes on after a crash; its deadline is as long as that of the run before', async () => {
    const definition = saga('s')
      .input<null>()
      .wait<'go', number>('go')
      .output(({ results }) => results.go);
    await using tempo = await testTempo({ sagas: [definition] });
    await tempo.start(definition, { id: 's', input: null, deadline: '1h' });
    await tempo.advance('10m');
    await tempo.cancel('s');
    const run = await tempo.restartAsNew<null, number>('s');
    const { createdAt, deadlineAt = 0 } = (await tempo.get('s@2')) ?? { createdAt: 0 };
    expect(deadlineAt - createdAt).toBe(3_600_000);
    await tempo.restart();
    await tempo.signal('s@2', 'go', 7);
    expect(await tempo.until(run.result())).toBe(7);
  });
});

describe('§11 renew', () => {
  const definition = saga('s', { deadline: '1m' })
    .input<null>()
    .step('a', { run: () => 1, compensate: undo })
    .wait<'go', number>('go')
    .output(({ results }) => results.go);

  test('a deadline that was put off is kept, also over a crash', async () => {
    await using tempo = await testTempo({ sagas: [definition] });
    const run = await tempo.start(definition, { id: 's', input: null });
    await tempo.advance('50s');
    const { deadlineAt = 0, updatedAt } = await tempo.renew('s', '1m');
    expect(deadlineAt - updatedAt).toBe(60_000);
    await tempo.advance('30s');
    await tempo.restart();
    await tempo.advance('29s');
    expect(await tempo.get('s')).toMatchObject({ status: 'waiting' });
    await tempo.advance('2s');
    expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated', reason: 'deadline' });
  });

  test('is never shortened, and not where there is none, where it has passed, or where the saga is undone', async () => {
    const endless = saga('endless').input<null>().wait('go').output();
    await using bench = await open([definition, endless]);
    const refused = (id: string, deadline: '30s' | '2m', why: string) =>
      expect(bench.tempo.renew(id, deadline)).rejects.toMatchObject({
        code: 'MAKEGOOD_RENEWAL_REFUSED',
        message: expect.stringContaining(why),
      });
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.tempo.start(endless, { id: 'e', input: null });
    await bench.clock.settle();
    await refused('s', '30s', '30000 ms earlier');
    await refused('e', '2m', 'it has none');
    expect((await bench.tempo.get('s'))?.deadlineAt).toBe(((await bench.tempo.get('s'))?.createdAt ?? 0) + 60_000);
    await bench.clock.advance(60_001);
    await expect(bench.tempo.renew('s', '2m')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_ENDED' });
    await expect(bench.tempo.renew('x', '2m')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_NOT_FOUND' });
    await expect(bench.tempo.renew('e', -1)).rejects.toThrow('Expected deadline');
  });

  test('of a step of another saga: no further than that one may go', async () => {
    const child = saga('child').input<null>().wait('go').output();
    const parent = saga('parent', { deadline: '1m' })
      .input<null>()
      .child('part', child, () => null)
      .output();
    await using bench = await open([parent]);
    await bench.tempo.start(parent, { id: 'p', input: null });
    await bench.clock.advance(10_000);
    await expect(bench.tempo.renew('p~part', '55s')).rejects.toMatchObject({
      code: 'MAKEGOOD_RENEWAL_REFUSED',
      message: expect.stringContaining('renew that first'),
    });
    await bench.tempo.renew('p', '5m');
    const view = await bench.tempo.renew('p~part', '5m');
    expect(view.deadlineAt).toBe((await bench.tempo.get('p'))?.deadlineAt);
  });
});

test('§3 a decision on what has changed since is refused, and one on what was seen is kept', async () => {
  const stuck = saga('s')
    .input<null>()
    .step('a', { run: () => 1, compensate: () => Promise.reject(new TerminalError('gone')) })
    .step('b', { run: () => Promise.reject(new TerminalError('no')), compensate: undo })
    .output();
  await using bench = await open([stuck]);
  await bench.tempo.start(stuck, { id: 's', input: null });
  await bench.clock.advance(60_000);
  const [seen] = await bench.tempo.attention.list();
  const expectedSeq = seen?.seq ?? 0;
  expect((await bench.tempo.get('s'))?.seq).toBe(expectedSeq);
  await bench.tempo.attention.retry('s', 'a', { by: 'ada', expectedSeq });
  await bench.clock.advance(60_000);
  // The same step waits again, but not for the decision that was taken on what it was then.
  await expect(bench.tempo.attention.skip('s', 'a', { by: 'bo', expectedSeq })).rejects.toMatchObject({
    code: 'MAKEGOOD_NOT_WAITING',
    message: expect.stringContaining('look again'),
  });
  const [now] = await bench.tempo.attention.list();
  const view = await bench.tempo.attention.skip('s', 'a', { by: 'bo', expectedSeq: now?.seq ?? 0 });
  expect(view.status).toBe('compensated');
});
