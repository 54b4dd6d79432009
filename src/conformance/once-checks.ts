import { type Answer, expectDone, expectSame, isLater, jsonOf, shown } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import type { Subject } from './subject.ts';

const crowd = 16;
const once = { applied: 1, undone: 0 };

/** An action that took effect, as a coordinator sees it. */
export async function apply(subject: Subject, saga: string, epoch = 1): Promise<Answer> {
  const answer = await subject.settle({ saga, phase: 'action', epoch });
  expectDone(answer, 'an action that the business accepts');
  return answer;
}

async function answeredOnce(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const answer = await apply(subject, saga);
  await subject.expectEffects(saga, once);
  if (answer.text === '') return;
  const type = answer.headers.get('content-type') ?? '';
  if (jsonOf(answer) === undefined || !/^application\/(?:[\w.+-]+\+)?json\b/i.test(type))
    throw new Mismatch(`Expected a body to be JSON of type application/json, got ${type}: ${shown(answer)}`);
  const bytes = new TextEncoder().encode(answer.text).length;
  if (bytes > 1024 * 1024) throw new Mismatch(`Expected an output of at most 1 MiB, got ${bytes} bytes`);
}

async function duplicateReplays(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const first = await apply(subject, saga);
  // What differs between attempts is not part of the call: only the key is.
  const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const second = await subject.settle({ saga, phase: 'action', attempt: 2, deadlineMs: 4000, headers });
  expectSame(second, first, 'the second attempt');
  expectSame(await subject.settle({ saga, phase: 'action' }), first, 'a copy of the first request');
  await subject.expectEffects(saga, once);
}

async function concurrentDuplicates(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const answers = await Promise.all(
    Array.from({ length: crowd }, (_, index) => subject.send({ saga, phase: 'action', attempt: index + 1 })),
  );
  const settled = await apply(subject, saga);
  for (const answer of answers) if (!isLater(answer)) expectSame(answer, settled, 'each of the simultaneous copies');
  await subject.expectEffects(saga, once);
}

/** Ids that a careless key takes for one: by case, by a separator, by length. */
async function sagasApart(subject: Subject): Promise<void> {
  const stem = subject.newSaga();
  const longest = `${stem}-`.padEnd(200, 'x');
  const odd = [
    `${stem}-A`,
    `${stem}-a`,
    `${stem}:1`,
    `${stem}:1~b@c.d`,
    `${stem}_`,
    longest,
    `${longest.slice(0, -1)}y`,
  ];
  for (const saga of odd) await apply(subject, saga);
  for (const saga of odd) await subject.expectEffects(saga, once);
  // Seen without counting effects too: the tombstone of one must not bar the other.
  await subject.settle({ saga: `${stem}-N`, phase: 'compensation' });
  await apply(subject, `${stem}-n`);
}

async function stepsApart(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const steps = ['parcel:1', 'parcel:2', 'Parcel:1'];
  for (const step of steps) {
    const answer = await subject.settle({ saga, step, phase: 'action' });
    expectDone(answer, `the action of step ${step}`);
  }
  for (const step of steps) await subject.expectEffects(saga, once, step);
}

/** A business call takes effect once a key. */
export const onceChecks: readonly ConformanceCheck[] = checksOf('once', {
  'action-answers': {
    proves: 'An action that took effect is answered 200, 201 or 204; a body is JSON, at most 1 MiB, and is the output.',
    advice: 'Look at what the business throws: --input must be something that it accepts, again and again.',
    run: answeredOnce,
  },
  'duplicate-replays': {
    proves: 'A call with a key that was answered is answered again with the stored reply, and has no second effect.',
    advice:
      'Keep status and body in the barrier’s row, in the transaction of the effect, and answer a duplicate from it.',
    run: duplicateReplays,
  },
  'concurrent-duplicates': {
    proves: `Of ${crowd} copies of a call at the same time one takes effect; the others get its reply, or 425 to ask again.`,
    advice: 'Lock the row before you look at it: INSERT … ON CONFLICT DO NOTHING, then SELECT … FOR UPDATE.',
    run: concurrentDuplicates,
  },
  'sagas-apart': {
    proves: 'Saga ids are 1 to 200 of A-Z a-z 0-9 _ . ~ : @ - and are compared exactly.',
    advice: 'Compare bytes: a column of 200 characters or more, with a collation that is case-sensitive ("C").',
    run: sagasApart,
  },
  'steps-apart': {
    proves: 'Each step of a saga has a row of its own, whatever its name; the address says which action it is.',
    advice: 'The key is (saga, step). Find the action by the path, for one action may serve many steps.',
    run: stepsApart,
  },
});
