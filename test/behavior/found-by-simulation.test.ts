/** Bugs that the simulation found, each on its own: see docs/internals/bugs-found.md. */
import { describe, expect, test } from 'vitest';
import { InProgressError } from '../../src/idempotency/index.ts';
import { memoryJournal, openWalJournal } from '../../src/journal/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo, SagaConflictError, type Tempo } from '../../src/tempo/index.ts';
import { type MemoryFiles, memoryFiles, testClock, testTempo } from '../../src/testing/index.ts';

const path = '/data';

/** A saga of one step, and its input of some 500 bytes. */
const small = saga('small')
  .input<string>()
  .step('a', { run: () => 'done', readOnly: true })
  .output();
const input = 'x'.repeat(500);

describe('a request for a saga that ended, and is asked for twice at once', () => {
  test('gives both callers what it came to', async () => {
    await using tempo = await testTempo({ sagas: [small] });
    await tempo.until((await tempo.start(small, { id: 's-1', input })).outcome());
    const twice = await Promise.all([1, 2].map(() => tempo.start(small, { id: 's-1', input })));
    expect(twice.map(({ created }) => created)).toEqual([false, false]);
    for (const run of twice) expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  test('refuses both when they ask for something else', async () => {
    await using tempo = await testTempo({ sagas: [small] });
    await tempo.until((await tempo.start(small, { id: 's-1', input })).outcome());
    const twice = await Promise.allSettled([1, 2].map(() => tempo.start(small, { id: 's-1', input: 'other' })));
    for (const { reason } of twice as readonly PromiseRejectedResult[])
      expect(reason).toBeInstanceOf(SagaConflictError);
  });

  test('does not keep a cancel from being told that it has ended', async () => {
    await using tempo = await testTempo({ sagas: [small] });
    await tempo.until((await tempo.start(small, { id: 's-1', input })).outcome());
    const [again, cancelled] = await Promise.allSettled([
      tempo.start(small, { id: 's-1', input }),
      tempo.cancel('s-1'),
    ]);
    expect(again.status).toBe('fulfilled');
    expect(cancelled).toMatchObject({ reason: { code: 'MAKEGOOD_SAGA_ENDED' } });
  });
});

test('a call that is announced and taken back in one append is not made', async () => {
  const calls: string[] = [];
  const { promise: first, resolve: finishFirst } = Promise.withResolvers<string>();
  const journal = memoryJournal();
  // The append that notes the signal is still in hand when the step ends and the saga is cancelled.
  const held = Promise.withResolvers<void>();
  const append = journal.append.bind(journal);
  let appends = 0;
  journal.append = async (...args) => {
    if (++appends === 2) await held.promise;
    return append(...args);
  };
  const pair = saga('pair')
    .input<null>()
    .parallel({ a: { run: () => first, readOnly: true }, other: { run: async () => 'soon', readOnly: true } })
    .step('b', { run: () => calls.push('b'), compensate: () => calls.push('undo b') })
    .output();
  await using tempo = await openTempo({ journal, sagas: [pair], clock: testClock() });
  const run = await tempo.start(pair, { id: 'p-1', input: null });
  finishFirst('done');
  const cancelled = tempo.cancel('p-1');
  held.resolve();
  await cancelled;
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'cancel' });
  expect(calls).toEqual([]);
});

test('a callee that was at it when the deadline passed is undone only when its call cannot come any more', async () => {
  const clock = testClock();
  const undoneAt: number[] = [];
  const slow = saga('slow', { deadline: '10s' })
    .input<null>()
    .step('work', {
      run: () => {
        throw new InProgressError('work', { retryAfterMs: 1000 });
      },
      compensate: () => undoneAt.push(clock.monotonicMs()),
      maxFlight: '30s',
    })
    .output();
  await using tempo = await testTempo({ sagas: [slow], clock });
  await tempo.until((await tempo.start(slow, { input: null })).outcome());
  expect(undoneAt).toHaveLength(1);
  expect(undoneAt[0]).toBeGreaterThanOrEqual(40_000);
});

test('a callee that is still at it is not taken for done because the handler that asked has returned', async () => {
  const clock = testClock();
  const undoneAt: number[] = [];
  let calls = 0;
  const slow = saga('slow', { deadline: '10s' })
    .input<null>()
    .step('work', {
      run: async () => {
        if (++calls === 1) throw new InProgressError('work', { retryAfterMs: 100 });
        // Deaf to its signal, it learns after its time-out, and after the deadline, that the callee is still at it.
        await new Promise<void>((resolve) => clock.setTimer(12_000, resolve));
        throw new InProgressError('work', { retryAfterMs: 100 });
      },
      compensate: () => undoneAt.push(clock.monotonicMs()),
      timeout: '20s',
      maxFlight: '30s',
    })
    .output();
  await using tempo = await testTempo({ sagas: [slow], clock });
  await tempo.until((await tempo.start(slow, { input: null })).outcome());
  expect(undoneAt).toHaveLength(1);
  expect(undoneAt[0]).toBeGreaterThanOrEqual(40_000);
});

describe('a disk that fails to read once', () => {
  const tiny = { segmentBytes: 8192, checkpointBytes: 4096, flush: { maxBatchBytes: 2048 } };
  const clock = testClock();
  const openOn = async (files: MemoryFiles) => {
    const journal = await openWalJournal(path, { files, clock, random: seededRandom(1), ...tiny });
    return openTempo({ journal, sagas: [small], clock });
  };
  const runSome = async (tempo: Tempo, from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number++) {
      await (await tempo.start(small, { id: `old-${number}`, input })).outcome();
      await clock.settle();
    }
  };

  test('while an archive is written leaves a journal that opens again', async () => {
    for (let failing = 1; failing <= 40; failing += 3) {
      const files = memoryFiles();
      const tempo = await openOn(files);
      await runSome(tempo, 0, 8);
      files.faults.readFailsAt = failing;
      await runSome(tempo, 8, 24);
      delete files.faults.readFailsAt;
      await tempo.close();
      await using again = await openOn(files);
      expect(await again.get('old-3')).toMatchObject({ status: 'completed' });
    }
  });

  test('on the only checkpoint that is whole is to be tried again, and is no damage', async () => {
    const files = memoryFiles();
    const tempo = await openOn(files);
    await runSome(tempo, 0, 40);
    await tempo.close();
    const names = await files.list(path);
    const newest = `${path}/${names
      .filter((name) => name.endsWith('.ckpt'))
      .toSorted()
      .at(-1)}`;
    const bytes = files.contents(newest).slice();
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    files.replace(newest, bytes);
    for (let failing = 1; failing <= 30; failing++) {
      const copy = files.clone(seededRandom(1));
      copy.faults.readFailsAt = failing;
      const opened = await openOn(copy).catch((error: unknown) => error);
      if (opened instanceof Error) expect(opened).not.toMatchObject({ code: 'MAKEGOOD_WAL_CORRUPT' });
      else await (opened as Tempo).close();
    }
  });
});

test('an archive that could not be read once refuses one start, and not every one after it', async () => {
  const files = memoryFiles();
  const clock = testClock();
  const tiny = { segmentBytes: 8192, checkpointBytes: 4096, flush: { maxBatchBytes: 2048 } };
  const open = async () => {
    const journal = await openWalJournal(path, { files, clock, random: seededRandom(1), ...tiny });
    return openTempo({ journal, sagas: [small], clock });
  };
  const before = await open();
  for (let number = 0; number < 40; number++) {
    await (await before.start(small, { id: `old-${number}`, input })).outcome();
    await clock.settle();
  }
  await before.close();
  await using tempo = await open();
  files.faults.readFailsAt = 1;
  await expect(tempo.start(small, { id: 'new-1', input })).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_READ_FAILED' });
  expect(await (await tempo.start(small, { id: 'new-1', input })).outcome()).toMatchObject({ status: 'completed' });
  expect(await (await tempo.start(small, { id: 'old-7', input })).outcome()).toMatchObject({ status: 'completed' });
});

test('a saga that turned round in the middle of a list is not sent forward without the rest of it', async () => {
  const stuck = saga('stuck')
    .input<null>()
    .forEach('each', () => [0, 1, 2], {
      concurrency: 1,
      run: () => {
        throw new Error('no answer');
      },
      compensate: () => {
        throw new Error('not now');
      },
      compensationRetry: { maxAttempts: 1 },
      statusProbe: () => {
        throw new Error('not now');
      },
    })
    .output();
  await using tempo = await testTempo({ sagas: [stuck] });
  const run = await tempo.start(stuck, { id: 's-1', input: null });
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'needs-human' });
  const sent = tempo.attention.forward('s-1', 'each.0', { by: 'ada', output: 'by hand' });
  await expect(sent).rejects.toMatchObject({ code: 'MAKEGOOD_NOT_WAITING' });
  expect(await tempo.get('s-1')).toMatchObject({ status: 'needs-human' });
});

function noAnswer(): never {
  throw new Error('no answer');
}

/** A step that asks a person after its only attempt. */
function asksFirst(run: () => unknown) {
  return {
    run,
    compensate: () => undefined,
    mode: 'saga-first',
    retry: { maxAttempts: 1, retryable: () => true },
  } as const;
}

test('what a person decides about a step of a saga that has begun to be undone meanwhile is refused, not an illegal record', async () => {
  const { promise: slow, resolve: finishSlow } = Promise.withResolvers<string>();
  let answers = 0;
  const first = (): never => {
    throw answers++ === 0 ? new Error('no answer') : new TerminalError('refused', { code: 'REFUSED' });
  };
  const three = saga('three')
    .input<null>()
    .parallel({ first: asksFirst(first), second: asksFirst(noAnswer), slow: asksFirst(() => slow) })
    .output();
  await using tempo = await testTempo({ sagas: [three] });
  const run = await tempo.start(three, { id: 's-1', input: null });
  await tempo.clock.settle();
  expect((await tempo.attention.list()).map((item) => item.step)).toEqual(['first', 'second']);
  await tempo.attention.retry('s-1', 'first', { by: 'ada' });
  await tempo.clock.settle();
  expect(await tempo.get('s-1')).toMatchObject({ status: 'compensating' });
  const late = tempo.attention.retry('s-1', 'second', { by: 'ada' });
  await expect(late).rejects.toMatchObject({ code: 'MAKEGOOD_NOT_WAITING' });
  finishSlow('done');
  expect(await tempo.until(run.outcome())).toMatchObject({ status: 'compensated' });
});
