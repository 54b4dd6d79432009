import { expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { type Journal, memoryJournal, openWalJournal } from '../../src/journal/index.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo, type SagaEvent } from '../../src/tempo/index.ts';
import { memoryFiles, testClock } from '../../src/testing/index.ts';
import { remainingMs } from '../../src/time/index.ts';

const never = new Promise<never>(() => undefined);
const compensate = (): void => undefined;

function broken(): never {
  throw new Error('no output today');
}

/** A journal on files in memory, whose disk can be made to fail. */
function disk() {
  const files = memoryFiles();
  const clock = testClock();
  return { files, clock, open: (): Promise<Journal> => openWalJournal('data', { files, clock, segmentBytes: 8192 }) };
}

test('when the log fails, starts and waits reject with its error, and nothing more is accepted', async () => {
  const { files, clock, open } = disk();
  const events: SagaEvent[] = [];
  const stuck = saga('stuck')
    .input<null>()
    .step('a', { run: () => never, compensate })
    .output();
  const tempo = await openTempo({
    journal: await open(),
    sagas: [stuck],
    clock,
    observer: (event) => events.push(event),
  });
  const run = await tempo.start(stuck, { id: 'accepted', input: null });
  const outcome = run.outcome().catch((error: unknown) => error);
  await clock.advance(100); // the log prepares its next segment and marks what is durable; then it is quiet
  files.faults.syncFailsAt = 1;
  await expect(tempo.start(stuck, { id: 'refused', input: null })).rejects.toMatchObject({
    code: 'MAKEGOOD_WAL_FAILED',
  });
  expect(await outcome).toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  await expect(tempo.start(stuck, { id: 'later', input: null })).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  expect(events.at(-1)).toMatchObject({ type: 'tempo.failed', error: { code: 'MAKEGOOD_WAL_FAILED' } });
});

test('when the log has failed, nobody is told that nothing waits for a person', async () => {
  const { files, clock, open } = disk();
  const whole = saga('whole')
    .input<null>()
    .pivot('a', { run: () => 'done' })
    .output(broken);
  const tempo = await openTempo({ journal: await open(), sagas: [whole], clock });
  await tempo.start(whole, { id: 'w', input: null });
  await clock.advance(100);
  expect(await tempo.attention.list()).toMatchObject([{ sagaId: 'w', reason: 'output' }]);
  files.faults.syncFailsAt = 1;
  await expect(tempo.start(whole, { id: 'x', input: null })).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  await expect(tempo.attention.list()).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
});

test('a saga whose definition is not registered waits untouched, and goes on when it is', async () => {
  const { clock, open } = disk();
  const calls: string[] = [];
  const define = (version: string, names: readonly [string, string]) =>
    saga('order', { version })
      .input<null>()
      .step(names[0], { run: () => void calls.push(`v${version} ${names[0]}`), compensate })
      .step(names[1], { run: () => (calls.length < 2 ? never : 1), compensate })
      .output();
  const original = define('1', ['a', 'b']);
  const tempo = await openTempo({ journal: await open(), sagas: [original], clock });
  await tempo.start(original, { id: 's', input: null });
  const closing = tempo.close();
  await clock.advance(33_000);
  await closing;

  const events: SagaEvent[] = [];
  const changed = define('1', ['a', 'renamed']);
  await expect(openTempo({ journal: await open(), sagas: [changed], clock })).rejects.toMatchObject({
    code: 'MAKEGOOD_SAGA_STRANDED',
    message:
      'definition "order@1" has no step "b", which 1 unfinished saga(s) need (s); ' +
      'register the new structure under a new version beside the old one, or say stranded: "block"',
  });
  const other = await openTempo({
    journal: await open(),
    sagas: [changed, define('2', ['a', 'b'])],
    clock,
    stranded: 'block',
    observer: (event) => events.push(event),
  });
  expect(events).toMatchObject([
    { type: 'tempo.recovered', sagas: 0, blocked: 1, epoch: 2 },
    { type: 'tempo.blocked', sagaId: 's', sagaName: 'order', version: '1' },
  ]);
  expect((await other.list({ status: 'blocked' })).items).toMatchObject([{ id: 's', status: 'blocked' }]);
  expect(await other.get('s')).toMatchObject({ status: 'blocked', version: '1' });
  await expect(other.start(changed, { id: 's', input: null })).rejects.toMatchObject({
    code: 'MAKEGOOD_SAGA_CONFLICT',
  });
  await other.close();

  calls.push('the second step may end now');
  await using back = await openTempo({ journal: await open(), sagas: [original], clock });
  const run = await back.start(original, { id: 's', input: null });
  expect(await run.outcome()).toMatchObject({ status: 'completed' });
  expect(calls).toEqual(['v1 a', 'the second step may end now']);
});

test('a durable backoff goes on after a restart: neither shortened nor begun again', async () => {
  const { clock, open } = disk();
  const at: number[] = [];
  const definition = saga('slow')
    .input<null>()
    .step('a', {
      run: () => {
        at.push(clock.monotonicMs());
        if (at.length < 2) throw new Error('not yet');
      },
      compensate,
      retry: { maxAttempts: 2, backoff: constant('1h'), retryable: () => true },
    })
    .output();
  const first = await openTempo({ journal: await open(), sagas: [definition], clock });
  await first.start(definition, { id: 's', input: null });
  await clock.advance(60_000);
  await first.close();
  await clock.advance(60_000);
  await using second = await openTempo({ journal: await open(), sagas: [definition], clock });
  await clock.advance(3_479_000);
  expect(at).toEqual([0]);
  await clock.advance(2000);
  expect(at).toHaveLength(2);
  expect(await (await second.start(definition, { id: 's', input: null })).outcome()).toMatchObject({
    status: 'completed',
  });
});

test('an attempt that the crash interrupted is made again under the next number, with the same key and a higher epoch', async () => {
  const { files, clock, open } = disk();
  const seen: [number, number, string][] = [];
  const definition = saga('s')
    .input<null>()
    .step('a', {
      run: ({ attempt, epoch, idempotencyKey }) => {
        seen.push([attempt, epoch, idempotencyKey]);
        return attempt === 1 ? never : 'done';
      },
      compensate,
    })
    .output();
  const doomed = await openTempo({ journal: await open(), sagas: [definition], clock });
  await doomed.start(definition, { id: 's', input: null });
  files.crash();
  await using tempo = await openTempo({ journal: await open(), sagas: [definition], clock });
  expect(await (await tempo.start(definition, { id: 's', input: null })).outcome()).toMatchObject({
    status: 'completed',
  });
  expect(seen).toEqual([
    [1, 1, 's/a/action'],
    [2, 2, 's/a/action'],
  ]);
});

test('an operator who sets the clock neither fires a backoff early nor holds it up', async () => {
  const clock = testClock();
  const at: number[] = [];
  const definition = saga('s')
    .input<null>()
    .step('a', {
      run: () => {
        at.push(clock.monotonicMs());
        if (at.length < 3) throw new Error('not yet');
      },
      compensate,
      retry: { maxAttempts: 3, backoff: constant('1m'), retryable: () => true },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition], clock });
  const run = await tempo.start(definition, { id: 's', input: null });
  clock.stepWallClock(3_600_000);
  await clock.advance(61_000);
  clock.stepWallClock(-7_200_000);
  await clock.advance(61_000);
  expect(await run.outcome()).toMatchObject({ status: 'completed' });
  expect(at.map((ms) => Math.round(ms / 1000))).toEqual([0, 60, 120]);
});

test('the deadline of an attempt rides on its signal, so that calls made with it can tell how long they have', async () => {
  const clock = testClock();
  const left: number[] = [];
  const definition = saga('s')
    .input<null>()
    .step('a', { run: ({ signal }) => void left.push(remainingMs(signal)), compensate, timeout: '2s' })
    .step('b', { run: ({ signal }) => void left.push(remainingMs(signal)), compensate, timeout: '1h' })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition], clock });
  await (await tempo.start(definition, { id: 's', input: null, deadline: '5m' })).result();
  expect(left).toEqual([2000, 300_000]);
});

test('an output that JSON cannot carry undoes its step: the effect happened and cannot be built upon', async () => {
  const undone: unknown[] = [];
  const definition = saga('s')
    .input<null>()
    .step('a', { run: () => ({ total: 1n }), compensate: ({ output }) => undone.push(output) })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { code: 'TypeError', step: 'a' } });
  expect(undone).toEqual([undefined]);
});

test('a saga output that cannot be made undoes the saga, and past a pivot asks a person', async () => {
  const undoable = saga('undoable')
    .input<null>()
    .step('a', { run: () => 1, compensate })
    .output(broken);
  const pivoted = saga('pivoted')
    .input<null>()
    .pivot('a', { run: () => 1 })
    .output(broken);
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [undoable, pivoted] });
  const first = await tempo.start(undoable, { id: 'u', input: null });
  const second = await tempo.start(pivoted, { id: 'p', input: null });
  expect(await first.outcome()).toMatchObject({ status: 'compensated', failure: { message: 'no output today' } });
  expect(await second.outcome()).toMatchObject({ status: 'needs-human', failure: { message: 'no output today' } });
});

test('a retry policy that throws ends the retries, and the failure says so', async () => {
  const definition = saga('s')
    .input<null>()
    .step('a', {
      run: () => {
        throw new Error('away');
      },
      compensate,
      retry: {
        retryable: () => {
          throw new Error('bug in the predicate');
        },
      },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition] });
  const run = await tempo.start(definition, { id: 's', input: null });
  expect(await run.outcome()).toMatchObject({
    status: 'compensated',
    failure: { message: 'away (not retried, since its retry policy threw: bug in the predicate)' },
  });
});

test('mistakes in the options are told at once', async () => {
  const definition = saga('s')
    .input<null>()
    .step('a', { run: () => 1, compensate })
    .output();
  const other = saga('other')
    .input<null>()
    .step('a', { run: () => 1, compensate })
    .output();
  const journal = memoryJournal();
  await expect(openTempo({ journal, sagas: [definition, definition] })).rejects.toThrow(
    'Expected saga definitions to differ, got "s@1" twice',
  );
  await expect(openTempo({ journal, sagas: [], concurrency: 0 })).rejects.toThrow(
    'Expected concurrency to be an integer ≥ 1, got 0',
  );
  await using tempo = await openTempo({ journal, sagas: [definition] });
  await expect(tempo.start(other, { id: 'x', input: null })).rejects.toThrow(
    'Expected saga "other" version "1" to be among the sagas given to openTempo',
  );
  const headers = { tenant: 7 } as unknown as Record<string, string>;
  await expect(tempo.start(definition, { id: 'x', input: null, headers })).rejects.toThrow(
    'Expected header "tenant" to be a string, got number',
  );
  await expect(tempo.start(definition, { id: '../x', input: null })).rejects.toThrow(
    'Expected saga id to be 1 to 200 of',
  );
});
