import { type Answer, expectDone, expectRefused, expectSame, fieldOf, shown } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import { apply } from './once-checks.ts';
import type { Subject } from './subject.ts';

const nothing = { applied: 0, undone: 0 };
const once = { applied: 1, undone: 0 };

function expectStale(answer: Answer, what: string): void {
  expectRefused(answer, what);
  if (fieldOf(answer, 'code') === 'stale-epoch') return;
  throw new Mismatch(`Expected ${what} to be refused with code "stale-epoch", got ${shown(answer)}`);
}

async function staleAction(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await apply(subject, saga, 3);
  expectStale(await subject.settle({ saga, phase: 'action', epoch: 2 }), 'an action of epoch 2 after epoch 3');
  await subject.expectEffects(saga, once);
}

async function staleCompensation(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await apply(subject, saga, 3);
  const stale = await subject.settle({ saga, phase: 'compensation', epoch: 2 });
  expectStale(stale, 'a compensation of epoch 2 after epoch 3');
  await subject.expectEffects(saga, once);
}

/** A duplicate of a newer coordinator has no effect, and yet it must be remembered who sent it. */
async function raisedByDuplicate(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const first = await apply(subject, saga, 1);
  expectSame(await subject.settle({ saga, phase: 'action', epoch: 5 }), first, 'a duplicate of epoch 5');
  const stale = await subject.settle({ saga, phase: 'compensation', epoch: 1 });
  expectStale(stale, 'a compensation of epoch 1 after a duplicate of epoch 5');
  await subject.expectEffects(saga, once);
}

async function raisedByCompensation(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const answer = await subject.settle({ saga, phase: 'compensation', epoch: 4 });
  expectDone(answer, 'a compensation of epoch 4', 'compensation');
  expectRefused(await subject.settle({ saga, phase: 'action', epoch: 3 }), 'an action of epoch 3 after epoch 4');
  const stale = await subject.settle({ saga, phase: 'compensation', epoch: 3 });
  expectStale(stale, 'a compensation of epoch 3 after epoch 4');
  await subject.expectEffects(saga, nothing);
}

async function higherPasses(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await apply(subject, saga, 1);
  const answer = await subject.settle({ saga, phase: 'compensation', epoch: 2 });
  expectDone(answer, 'a compensation of epoch 2 after an action of epoch 1', 'compensation');
  await subject.expectEffects(saga, { applied: 1, undone: 1 });
  const other = subject.newSaga();
  await apply(subject, other, 1);
  await subject.expectEffects(other, once);
}

/** Neighbours that change their order in a 32-bit integer, with a sign and without one. */
const wide = [
  [2 ** 31, 2 ** 31 - 1],
  [2 ** 32, 2 ** 32 - 1],
  [2 ** 49, 2 ** 49 - 1],
] as const;

async function wideEpoch(subject: Subject): Promise<void> {
  for (const [epoch, lower] of wide) {
    const saga = subject.newSaga();
    await apply(subject, saga, epoch);
    const stale = await subject.settle({ saga, phase: 'action', epoch: lower });
    expectStale(stale, `an action of epoch ${lower} after ${epoch}`);
    await subject.expectEffects(saga, once);
  }
}

const keepHighest = 'Keep the highest epoch in the row, write it on every call that passes, and refuse what is lower.';

/** A coordinator that was replaced cannot do anything any more. */
export const epochChecks: readonly ConformanceCheck[] = checksOf('epoch', {
  'stale-action': {
    proves: 'An action with a lower epoch than its step has seen is refused: 409, code "stale-epoch".',
    advice: `${keepHighest} Ask for the epoch first: a stale duplicate is not given the stored reply.`,
    run: staleAction,
  },
  'stale-compensation': {
    proves: 'A compensation with a lower epoch than its step has seen is refused, and undoes nothing.',
    advice: `${keepHighest} The epoch belongs to the step, not to the phase.`,
    run: staleCompensation,
  },
  'epoch-raised-by-duplicate': {
    proves: 'A duplicate with a higher epoch is answered from the row, and raises the epoch that the step has seen.',
    advice: `${keepHighest} Also where nothing but the stored reply is given.`,
    run: raisedByDuplicate,
  },
  'epoch-raised-by-compensation': {
    proves: 'A compensation without an action raises the epoch too.',
    advice: `${keepHighest} The tombstone has an epoch as any other row.`,
    run: raisedByCompensation,
  },
  'higher-epoch-passes': {
    proves: 'A coordinator that took over goes on where the other stopped; other sagas are not concerned.',
    advice: 'The epoch is compared within one step of one saga.',
    run: higherPasses,
  },
  'wide-epoch': {
    proves: 'Epochs are integers of up to 15 digits.',
    advice: 'Keep and read the epoch as a 64-bit integer.',
    run: wideEpoch,
  },
});
