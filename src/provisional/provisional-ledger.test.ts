import { expect, test } from 'vitest';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import { openDecisionAuthority } from './decision-authority.ts';
import type { ProvisionalLedgerOptions } from './ledger-options.ts';
import { openProvisionalLedger } from './provisional-ledger.ts';

const rules = {
  initial: () => 1,
  apply: (left: number, wanted: number) => (wanted <= left ? { state: left - wanted } : { conflict: `${left} left` }),
};

async function world(options: Partial<ProvisionalLedgerOptions<number, number>> = {}) {
  const clock = testClock();
  const observer = recordingObserver();
  const made: string[] = [];
  const node = (name: string) =>
    openProvisionalLedger<number, number>({
      node: name,
      rules,
      compensate: (_, { idempotencyKey }) => void made.push(idempotencyKey),
      clock,
      observer,
      random: () => 0.5,
      ...options,
    });
  const authority = await openDecisionAuthority<number, number>({ rules, clock, gather: '100ms' });
  return { clock, observer, made, authority, north: await node('north'), south: await node('south') };
}

const apple = (id: string, body = 1) => ({ id, key: 'apples', body });

test('parts that are cut off both decide; afterwards one stands, the other is reported and compensated', async () => {
  const { north, south, authority, clock, observer, made } = await world();
  expect(await south.propose(apple('s1'))).toMatchObject({ accepted: true, decision: { node: 'south', sequence: 1 } });
  await clock.advance(1);
  await north.propose(apple('n1'));
  expect([north.get('n1')?.status, south.get('s1')?.status]).toEqual(['provisional', 'provisional']);
  expect([north.stateOf('apples'), south.stateOf('apples')]).toEqual([0, 0]);
  // The earlier one stands, though the other asks first.
  const both = Promise.all([north.reconcile(authority), south.reconcile(authority)]);
  await clock.advance(100);
  const [ofNorth, ofSouth] = await both;
  expect(ofSouth).toEqual({ epoch: 1, confirmed: 1, conflicts: [] });
  expect(ofNorth.conflicts).toMatchObject([{ decision: { id: 'n1' }, status: 'overruled', conflict: '0 left' }]);
  await north.settle();
  expect(made).toEqual(['n1/compensation']);
  expect([north.get('n1')?.status, south.get('s1')?.status]).toEqual(['compensated', 'confirmed']);
  expect([north.stateOf('apples'), south.stateOf('apples'), authority.stateOf('apples')]).toEqual([0, 0, 0]);
  expect(observer.events.map(({ type }) => type)).toEqual(['provisional.conflict', 'provisional.compensated']);
});

test('a node refuses what conflicts with what it knows itself, and proposing an id again gives the same decision', async () => {
  const { north } = await world();
  const [first, again] = await Promise.all([north.propose(apple('n1')), north.propose(apple('n1'))]);
  expect(again).toEqual(first);
  expect(await north.propose(apple('n2'))).toEqual({ accepted: false, conflict: '0 left' });
});

test('a verdict that was lost on its way is given again, and judged only once', async () => {
  const { north, south, authority, clock } = await world();
  await north.propose(apple('n1'));
  const lossy = {
    judge: async (...call: Parameters<typeof authority.judge>): Promise<never> => {
      await authority.judge(...call);
      throw new Error('connection reset');
    },
  };
  const lost = expect(north.reconcile(lossy)).rejects.toThrow('connection reset');
  await clock.advance(100);
  await lost;
  expect(north.get('n1')?.status).toBe('provisional');
  await south.propose(apple('s1'));
  const late = south.reconcile(authority);
  await clock.advance(100);
  expect((await late).conflicts).toHaveLength(1);
  expect(await north.reconcile(authority)).toMatchObject({ confirmed: 1, conflicts: [] });
});

test('a compensation is tried four times, after 1, 2 and 4 s at most, and then a person is asked', async () => {
  let healthy = false;
  const attempts: number[] = [];
  const { north, south, authority, clock, observer } = await world({
    compensate: (_, { attempt }) => {
      attempts.push(attempt);
      if (!healthy) throw new Error('mail server down');
    },
  });
  await south.propose(apple('s1'));
  await clock.advance(1);
  await north.propose(apple('n1'));
  const both = Promise.all([south.reconcile(authority), north.reconcile(authority)]);
  await clock.advance(100);
  await both;
  await clock.advance(7000);
  await north.settle();
  expect(attempts).toEqual([1, 2, 3, 4]);
  expect(north.list({ status: 'needs-human' })).toMatchObject([{ attempts: 4, note: 'mail server down' }]);
  expect(observer.events.at(-1)).toMatchObject({ type: 'provisional.needs-human', id: 'n1' });
  healthy = true;
  await north.retry('n1');
  await north.settle();
  expect(north.get('n1')).toMatchObject({ status: 'compensated', attempts: 1 });
  await expect(north.resolve('n1', { note: 'by hand' })).rejects.toThrow('Expected decision "n1" to need a person');
  expect(clock.pendingTimers).toBe(0);
});

test('decisions that wait for a verdict are bounded', async () => {
  const { north, authority, clock } = await world({ maxUndecided: 2, rules: { initial: () => 9, apply: rules.apply } });
  await north.propose(apple('n1'));
  await north.propose(apple('n2'));
  await expect(north.propose(apple('n3'))).rejects.toMatchObject({ code: 'MAKEGOOD_PROVISIONAL_FULL', undecided: 2 });
  const asked = north.reconcile(authority);
  await clock.advance(100);
  await asked;
  expect(await north.propose(apple('n4', 0))).toMatchObject({ accepted: true });
});

test('close stops compensating, and refuses what comes later', async () => {
  const { north } = await world();
  await Promise.all([north.close(), north.close()]);
  await expect(north.propose(apple('n1'))).rejects.toMatchObject({ code: 'MAKEGOOD_LEDGER_CLOSED' });
  await expect(openProvisionalLedger({ node: '', rules, compensate: () => 0 })).rejects.toThrow(
    'Expected node to be text',
  );
});

test('a verdict that comes twice does not bring a compensated decision back', async () => {
  const { north, made } = await world();
  await north.propose(apple('n1'));
  const verdicts = [{ id: 'n1', outcome: 'overruled', epoch: 1, conflict: 'gone' }] as const;
  const answer = { epoch: 1, verdicts, states: new Map() };
  const { promise, resolve: answerLate } = Promise.withResolvers<typeof answer>();
  const late = north.reconcile({ judge: () => promise });
  await north.reconcile({ judge: () => Promise.resolve(answer) });
  await north.settle();
  answerLate(answer);
  expect((await late).conflicts).toEqual([]);
  await north.settle();
  expect([north.get('n1')?.status, made]).toEqual(['compensated', ['n1/compensation']]);
});
