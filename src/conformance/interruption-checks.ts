import { sleepMs } from '../time/sleep.ts';
import { expectDone, expectSame, isDone, type Answer } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import type { Subject, SubjectCall } from './subject.ts';

const once = { applied: 1, undone: 0 };
const nothing = { applied: 0, undone: 0 };

/** What was answered, `undefined` when nothing was: a caller that hung up, or a participant that died. */
async function sendIntoTheDark(subject: Subject, call: SubjectCall): Promise<Answer | undefined> {
  try {
    return await subject.send(call);
  } catch (error) {
    if (error instanceof Mismatch) return undefined;
    throw error;
  }
}

/** Whatever became of a first attempt, the second one settles it. */
async function settlesOnce(subject: Subject, saga: string, first: Answer | undefined): Promise<void> {
  const second = await subject.settle({ saga, phase: 'action', attempt: 2 });
  expectDone(second, 'the second attempt of an action whose first was cut short');
  if (first !== undefined && isDone(first)) expectSame(second, first, 'the second attempt');
  await subject.expectEffects(saga, once);
}

async function deadlinePassed(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const answer = await subject.send({ saga, phase: 'action', deadlineMs: 0 });
  if (isDone(answer)) throw new Mismatch(`Expected a call without any time left to be refused, got ${answer.status}`);
  await subject.expectEffects(saga, nothing);
  await settlesOnce(subject, saga, undefined);
}

/** Somewhere in these the time runs out while the participant is at work, whatever its speed. */
async function deadlineBetween(subject: Subject): Promise<void> {
  for (const deadlineMs of [1, 2, 3, 4, 6, 8, 11, 15, 20, 30]) {
    const saga = subject.newSaga();
    await settlesOnce(subject, saga, await sendIntoTheDark(subject, { saga, phase: 'action', deadlineMs }));
  }
}

async function callerHangsUp(subject: Subject): Promise<void> {
  const { clock, signal } = subject.settings;
  for (const afterMs of [1, 2, 3, 4, 6, 8, 11, 15, 20, 30]) {
    const saga = subject.newSaga();
    const caller = new AbortController();
    const call = sendIntoTheDark(subject, { saga, phase: 'action', signal: caller.signal });
    await sleepMs(afterMs, clock, signal);
    caller.abort(new Error('the caller hung up'));
    await settlesOnce(subject, saga, await call);
  }
}

async function restartKeeps(subject: Subject): Promise<void> {
  const [applied, undone, barred, fenced] = Array.from({ length: 4 }, () => subject.newSaga()) as [
    string,
    string,
    string,
    string,
  ];
  const first = await subject.settle({ saga: applied, phase: 'action' });
  await subject.settle({ saga: undone, phase: 'action' });
  const undo = await subject.settle({ saga: undone, phase: 'compensation' });
  await subject.settle({ saga: barred, phase: 'compensation' });
  await subject.settle({ saga: fenced, phase: 'action', epoch: 7 });
  await subject.restart();
  expectSame(
    await subject.settle({ saga: applied, phase: 'action', attempt: 2 }),
    first,
    'a duplicate after a restart',
  );
  const again = await subject.settle({ saga: undone, phase: 'compensation', attempt: 2 });
  if (again.status !== 410) expectSame(again, undo, 'a duplicate of a compensation after a restart');
  const late = await subject.settle({ saga: barred, phase: 'action' });
  if (late.status !== 409) throw new Mismatch(`Expected the tombstone to outlive a restart, got ${late.status}`);
  const stale = await subject.settle({ saga: fenced, phase: 'action', epoch: 6 });
  if (stale.status !== 409) throw new Mismatch(`Expected the epoch to outlive a restart, got ${stale.status}`);
  await subject.expectEffects(applied, once);
  await subject.expectEffects(undone, { applied: 1, undone: 1 });
  await subject.expectEffects(barred, nothing);
}

/** Many calls are under way when it dies; each is settled by its second attempt. */
async function killedAtWork(subject: Subject): Promise<void> {
  const { clock, signal } = subject.settings;
  const sagas = Array.from({ length: 60 }, () => subject.newSaga());
  const calls = sagas.map(async (saga, index) => {
    await sleepMs(index, clock, signal);
    return sendIntoTheDark(subject, { saga, phase: 'action' });
  });
  await sleepMs(sagas.length / 2, clock, signal);
  await subject.restart();
  const firsts = await Promise.all(calls);
  for (const [index, saga] of sagas.entries()) await settlesOnce(subject, saga, firsts[index]);
}

const together =
  'The row and the effect must be written in one transaction: what is committed apart is applied twice or lost.';

/** What is cut short is settled by asking again. */
export const interruptionChecks: readonly ConformanceCheck[] = [
  ...checksOf('interruption', {
    'deadline-passed': {
      proves: 'A call whose Makegood-Deadline is 0 is not begun: too late is worse than not at all.',
      advice: 'Answer 503 with Makegood-Effect: none when no time is left.',
      level: 'should',
      run: deadlinePassed,
    },
    'deadline-between': {
      proves:
        'When the caller’s time runs out at work, the call took effect or did not; the next attempt settles it, once.',
      advice: `${together} Roll back what is not ready in time, with its row.`,
      run: deadlineBetween,
    },
    'caller-hangs-up': {
      proves: 'When the caller hangs up at work, the call took effect or did not; the next attempt settles it, once.',
      advice: together,
      run: callerHangsUp,
    },
  }),
  ...checksOf('restart', {
    'restart-keeps': {
      proves: 'Stored replies, tombstones and epochs outlive the process.',
      advice: 'Keep the rows in the database of the business, not in memory.',
      needs: ['restart'],
      run: restartKeeps,
    },
    'killed-at-work': {
      proves:
        'When the participant is killed at work, each call took effect or did not; the next attempt settles it, once.',
      advice: together,
      needs: ['restart'],
      run: killedAtWork,
    },
  }),
];
