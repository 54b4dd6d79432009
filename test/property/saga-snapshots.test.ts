import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { applyDelta, decodeState, encodeDelta, encodeState } from '../../src/journal/state-codec.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { applyRecord, foldRecords, type SagaState } from '../../src/saga/state.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { drawnHistory } from './drawn-history.ts';

/** Every state on the way, the first record's first. */
function statesOf(records: Parameters<typeof foldRecords>[1]): SagaState[] {
  const states: SagaState[] = [];
  for (const record of records) states.push(applyRecord('s', states.at(-1), record));
  return states;
}

test('a state written whole, or as what changed since any earlier one, is read back as it was', () => {
  fc.assert(
    fc.property(drawnHistory(40), fc.nat(), ({ records }, draw) => {
      const states = statesOf(records);
      const last = states.at(-1) as SagaState;
      const earlier = states[draw % states.length] as SagaState;
      expect(decodeState('s', encodeState(last))).toEqual(last);
      const read = applyDelta(decodeState('s', encodeState(earlier)), encodeDelta(earlier, last));
      expect(read).toEqual(last);
      expect(Object.isFrozen(read.input)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('what was known and is not any more is gone from the state that a delta leads to', () => {
  const [state] = statesOf(fc.sample(drawnHistory(0), { numRuns: 1, seed: 1 })[0]?.records ?? []) as [SagaState];
  const failed: SagaState = { ...state, reason: 'failed', failure: { code: 'E', message: 'away' } };
  expect(applyDelta(failed, encodeDelta(failed, state))).toEqual(state);
  expect(applyDelta(state, encodeDelta(state, failed))).toEqual(failed);
});

test('a state that was read back goes on as the one that was never written would', () => {
  fc.assert(
    fc.property(drawnHistory(40), fc.nat(), ({ records }, draw) => {
      const at = draw % records.length;
      const states = statesOf(records);
      let state = decodeState('s', encodeState(states[at] as SagaState));
      for (const record of records.slice(at + 1)) state = applyRecord('s', state, record);
      expect(state).toEqual(states.at(-1));
    }),
    { numRuns: 200 },
  );
});

function open(files: MemoryFiles, snapshotEvery: number, checkpointBytes: number): Promise<Journal> {
  const options = { files, clock: testClock(), random: seededRandom(1), flush: { maxBatchBytes: 2048 } };
  return openWalJournal('/data', { ...options, segmentBytes: 16_384, snapshotEvery, checkpointBytes });
}

test('from any snapshot, checkpoint or the first record, a saga is read and recovered as its records fold', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(drawnHistory(60), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(1, 3, Infinity),
      fc.constantFrom(1024, 8192, Infinity),
      fc.array(fc.nat(30), { maxLength: 3 }),
      fc.boolean(),
      async (histories, snapshotEvery, checkpointBytes, reopenAt, given) => {
        const files = memoryFiles();
        let journal = await open(files, snapshotEvery, checkpointBytes);
        let { epoch } = journal;
        const longest = Math.max(...histories.map(({ appends }) => appends.length));
        const written = histories.map(() => [] as (typeof histories)[number]['records'][number][]);
        for (let turn = 0; turn < longest; turn++) {
          for (const [place, { appends }] of histories.entries()) {
            const id = `saga-${place}`;
            const records = (appends[turn] ?? []).map((record) => Object.assign({}, record, { epoch }));
            if (records.length === 0) continue;
            const sofar = written[place] ?? [];
            const state = given ? foldRecords(id, [...sofar, ...records]) : undefined;
            await journal.append(id, records, { epoch, expectedSeq: sofar.length, state });
            sofar.push(...records);
          }
          if (!reopenAt.includes(turn)) continue;
          if (turn % 2 === 0) await journal.close();
          else {
            // What the old process still has in hand ends with it: the simulated disk cannot tell whose hand it is.
            await testClock().settle();
            files.crash();
          }
          journal = await open(files, snapshotEvery, checkpointBytes);
          ({ epoch } = journal);
        }
        await journal.close();
        journal = await open(files, snapshotEvery, checkpointBytes);
        const unfinished = new Map<string, SagaState>();
        for await (const state of journal.open()) unfinished.set(state.id, state);
        for (const [place, records] of written.entries()) {
          const folded = foldRecords(`saga-${place}`, records);
          expect(await journal.state(`saga-${place}`)).toEqual(folded);
          expect(await journal.read(`saga-${place}`)).toEqual(records);
          expect(unfinished.get(`saga-${place}`)).toEqual(folded?.finished === true ? undefined : folded);
        }
        await journal.close();
      },
    ),
    { numRuns: 60 },
  );
});
