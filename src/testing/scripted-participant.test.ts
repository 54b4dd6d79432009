import { expect, test } from 'vitest';
import { scriptedParticipant, type ScriptedCall } from './scripted-participant.ts';
import { testClock } from './test-clock.ts';

function call(phase: 'action' | 'compensation' = 'action'): {
  controller: AbortController;
  context: { idempotencyKey: string; signal: AbortSignal };
} {
  const controller = new AbortController();
  return { controller, context: { idempotencyKey: `s/charge/${phase}`, signal: controller.signal } };
}

const { context } = call();
const undo = call('compensation').context;
const none = { doubles: [], lost: [], strays: [] };

test('applies a key once and replays its reply', async () => {
  let made = 0;
  const bank = scriptedParticipant({ reply: () => ++made });
  expect([await bank.action(context), await bank.action(context)]).toEqual([1, 1]);
  expect(bank.effects.entries.get('s/charge')).toEqual({ applied: 1, undone: 0, calls: 2 });
});

test('one that knows no keys doubles, and the audit tells', async () => {
  const bank = scriptedParticipant({ idempotent: false });
  await bank.action(context);
  await bank.action(context);
  expect(bank.effects.audit(['s/charge'])).toEqual({ ...none, doubles: ['s/charge'] });
});

test('undoes once; an undo without an action does nothing and bars the action', async () => {
  const bank = scriptedParticipant();
  await bank.compensation(undo);
  await expect(bank.action(context)).rejects.toMatchObject({ businessCode: 'UNDONE' });
  expect(bank.effects.audit([])).toEqual(none);
  const other = scriptedParticipant();
  await other.action(context);
  await other.compensation(undo);
  await other.compensation(undo);
  expect(other.effects.undone).toEqual(['s/charge']);
  expect(other.effects.audit([])).toEqual(none);
});

test('without a barrier an action after its undo takes effect, and the audit calls it a stray', async () => {
  const bank = scriptedParticipant({ barrier: false });
  await bank.compensation(undo);
  await bank.action(context);
  expect(bank.effects.audit([])).toEqual({ ...none, strays: ['s/charge'] });
});

test('a probe that says no plants the tombstone', async () => {
  const bank = scriptedParticipant();
  expect(await bank.status(context)).toBe(false);
  await expect(bank.action(context)).rejects.toThrow('undone already');
});

test.for<[ScriptedCall, object, number]>([
  ['refuse', { definite: true }, 0],
  ['transient', { status: 503 }, 0],
])('%s fails and nothing took effect', async ([script, error, applied]) => {
  const bank = scriptedParticipant({ action: [script] });
  await expect(bank.action(context)).rejects.toMatchObject(error);
  expect(bank.effects.entries.get('s/charge')).toMatchObject({ applied });
  await bank.action(context);
  expect(bank.effects.standing).toEqual(['s/charge']);
});

test('effect-then-timeout takes effect and ends only with its caller, by whose reason', async () => {
  const bank = scriptedParticipant({ action: ['effect-then-timeout'] });
  const { controller, context: given } = call();
  const answer = bank.action(given);
  controller.abort(new Error('too long'));
  await expect(answer).rejects.toThrow('too long');
  expect(bank.effects.standing).toEqual(['s/charge']);
});

test('slow answers after its time, and not at all when the caller gives up first', async () => {
  const clock = testClock();
  const bank = scriptedParticipant({ action: () => 'slow', slowness: '2s', clock });
  const { controller, context: given } = call();
  const left = bank.action(given);
  controller.abort('enough');
  await expect(left).rejects.toBe('enough');
  const kept = bank.action(context);
  await clock.advance(2000);
  expect(await kept).toBe('s/charge');
});

test('late takes effect after its caller has gone, unless the undo came first', async () => {
  for (const undone of [false, true]) {
    const clock = testClock();
    const bank = scriptedParticipant({ action: ['late'], clock });
    const { controller, context: given } = call();
    const answer = bank.action(given);
    await clock.settle();
    controller.abort('gone');
    await expect(answer).rejects.toBe('gone');
    expect(bank.effects.standing).toEqual([]);
    if (undone) await bank.compensation(undo);
    await clock.advance(10_000);
    expect(bank.effects.standing).toEqual(undone ? [] : ['s/charge']);
  }
});

test('garbage takes effect and answers what JSON cannot carry', async () => {
  const bank = scriptedParticipant({ action: ['garbage'] });
  expect(typeof (await bank.action(context))).toBe('function');
  expect(bank.effects.audit([])).toEqual({ ...none, strays: ['s/charge'] });
});
