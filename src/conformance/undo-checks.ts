import { expectDone, expectRefused, expectSame, fieldOf, isDone, isLater, shown } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import { apply } from './once-checks.ts';
import type { Subject } from './subject.ts';

const crowd = 16;
const undone = { applied: 1, undone: 1 };
const nothing = { applied: 0, undone: 0 };

/** An action that took effect and its compensation. */
async function applyAndUndo(subject: Subject, saga: string): ReturnType<Subject['settle']> {
  const { text } = await apply(subject, saga);
  const { input } = subject.settings;
  const body = JSON.stringify({ input, ...(text === '' ? {} : { output: JSON.parse(text) as unknown }) });
  const answer = await subject.settle({ saga, phase: 'compensation', body: body.replaceAll('$saga', saga) });
  expectDone(answer, 'the compensation of an action that took effect', 'compensation');
  return answer;
}

async function compensationUndoes(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await applyAndUndo(subject, saga);
  await subject.expectEffects(saga, undone);
}

async function compensationOnce(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const first = await applyAndUndo(subject, saga);
  const second = await subject.settle({ saga, phase: 'compensation', attempt: 2 });
  if (second.status !== 410) expectSame(second, first, 'the second attempt of the compensation');
  await subject.expectEffects(saga, undone);
}

async function concurrentCompensations(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await apply(subject, saga);
  const copies = Array.from({ length: crowd }, () => subject.send({ saga, phase: 'compensation' }));
  for (const answer of await Promise.all(copies))
    if (!isLater(answer)) expectDone(answer, 'each of the simultaneous compensations', 'compensation');
  await subject.settle({ saga, phase: 'compensation' });
  await subject.expectEffects(saga, undone);
}

async function outputUnknown(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  await apply(subject, saga);
  const answer = await subject.settle({ saga, phase: 'compensation' });
  expectDone(answer, 'a compensation that does not know the output', 'compensation');
  await subject.expectEffects(saga, undone);
}

async function nullCompensation(subject: Subject): Promise<string> {
  const saga = subject.newSaga();
  const answer = await subject.settle({ saga, phase: 'compensation' });
  expectDone(answer, 'the compensation of an action that never came', 'compensation');
  await subject.expectEffects(saga, nothing);
  return saga;
}

async function lateAction(subject: Subject): Promise<void> {
  const saga = await nullCompensation(subject);
  for (const attempt of [1, 2]) {
    const answer = await subject.settle({ saga, phase: 'action', attempt });
    expectRefused(answer, `attempt ${attempt} of an action that comes after its compensation`);
  }
  await subject.expectEffects(saga, nothing);
}

async function lateDuplicate(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const first = await apply(subject, saga);
  expectDone(await subject.settle({ saga, phase: 'compensation' }), 'the compensation', 'compensation');
  expectSame(await subject.settle({ saga, phase: 'action', attempt: 2 }), first, 'a copy of an action that is undone');
  await subject.expectEffects(saga, undone);
}

/** Action and compensation on their way at once: whoever is first, in the end nothing stands. */
async function race(subject: Subject): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const saga = subject.newSaga();
    const [action, compensation] = await Promise.all([
      subject.settle({ saga, phase: 'action' }),
      subject.settle({ saga, phase: 'compensation' }),
    ]);
    expectDone(compensation, 'the compensation in a race with its action', 'compensation');
    if (!isDone(action)) expectRefused(action, 'the action that lost a race with its compensation');
    await subject.expectEffects(saga, isDone(action) ? undone : nothing);
  }
}

async function refusedUndone(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const input = subject.settings.refusedInput;
  expectRefused(await subject.settle({ saga, phase: 'action', input }), 'an action that the business refuses');
  const answer = await subject.settle({ saga, phase: 'compensation', input });
  expectDone(answer, 'the compensation of an action that was refused', 'compensation');
  await subject.expectEffects(saga, nothing);
}

async function abortedCode(subject: Subject): Promise<void> {
  const saga = await nullCompensation(subject);
  const answer = await subject.settle({ saga, phase: 'action' });
  if (fieldOf(answer, 'code') !== 'aborted')
    throw new Mismatch(`Expected the late action to be refused with code "aborted", got ${shown(answer)}`);
}

const tombstone =
  'A compensation that finds no row must write one that says so: a tombstone. An action that finds it is refused.';

/** A compensation undoes what was applied, once, and nothing else. */
export const undoChecks: readonly ConformanceCheck[] = checksOf('undo', {
  'compensation-undoes': {
    proves: 'A compensation of an action that took effect undoes it.',
    advice: 'Look at what the compensation throws when it is given { input, output }.',
    run: compensationUndoes,
  },
  'compensation-once': {
    proves: 'A compensation undoes once; its duplicate is answered with the stored reply (or 410).',
    advice: 'Keep the compensation’s reply in the row too, in the transaction that undoes.',
    run: compensationOnce,
  },
  'concurrent-compensations': {
    proves: `Of ${crowd} copies of a compensation at the same time one undoes.`,
    advice: 'Lock the step’s row before you look whether it is undone.',
    run: concurrentCompensations,
  },
  'output-unknown': {
    proves: 'A compensation may come without the output, when nobody knows whether the action took effect.',
    advice: 'Do not depend on `output` of { input, output? }; find what to undo by saga and step.',
    run: outputUnknown,
  },
  'null-compensation': {
    proves: 'A compensation whose action never came is done, and undoes nothing.',
    advice: tombstone,
    run: async (subject) => void (await nullCompensation(subject)),
  },
  'late-action': {
    proves:
      'An action that comes after its compensation is refused with 409, and has no effect, however often it comes.',
    advice: tombstone,
    run: lateAction,
  },
  'late-duplicate': {
    proves: 'A copy of an action that was undone gets the stored reply, and does not take effect again.',
    advice: 'Undoing must not remove the row, nor what it says of the action.',
    run: lateDuplicate,
  },
  'action-meets-compensation': {
    proves: 'Action and compensation at the same time: in the end nothing stands, and the action was done or refused.',
    advice: 'Both phases must lock the same row; two rows, or a lock a phase, let both pass.',
    run: race,
  },
  'refused-undone': {
    proves: 'The compensation of an action that was refused is done, and undoes nothing.',
    advice: 'A refused action has a row and no effect: its compensation must not give back what was never taken.',
    needs: ['refused-input'],
    run: refusedUndone,
  },
  'aborted-code': {
    proves: 'An action that comes too late is refused with the code "aborted", so that a person can tell why.',
    advice: 'Answer 409 with a problem document {"code":"aborted","message":…}.',
    level: 'should',
    run: abortedCode,
  },
});
