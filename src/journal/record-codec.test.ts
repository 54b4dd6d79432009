import { expect, test } from 'vitest';
import type { SagaRecord } from '../saga/record.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { decodeRecord, encodeRecord, RecordUnreadableError } from './record-codec.ts';

const record: SagaRecord = {
  seq: 3,
  epoch: 2,
  timestamp: 1000,
  type: 'step-confirmed',
  step: 'a',
  attempt: 4,
  output: { text: 'é' },
};

function stored(change: Partial<WalRecord> = {}): WalRecord {
  const entry = encodeRecord('s', record, 4000);
  return { ...entry, lsn: 4096, payload: new TextEncoder().encode(String(entry.payload)), ...change };
}

test('a record of the log says in its own fields what can be searched without decoding it', () => {
  expect(encodeRecord('s', record, 4000)).toEqual({
    kind: 3,
    state: 3,
    timestamp: 1000,
    txId: 's',
    stepId: 'a',
    payload: '1 4000 3 2 4 {"output":{"text":"é"}}',
  });
});

test('what was written is read back, frozen', () => {
  const read = decodeRecord(stored());
  expect(read).toEqual({ record, link: 4000 });
  expect(Object.isFrozen((read.record as { output: unknown }).output)).toBe(true);
});

test('numbers come back as they were, of any epoch, the small ones that are remembered and the large ones', () => {
  for (const epoch of [1, 2, 1, 2 ** 31, 1])
    for (const seq of [1, 63, 64, 100_000, Number.MAX_SAFE_INTEGER])
      for (const attempt of [0, 7, 8, 2000])
        for (const link of [undefined, 0, 2 ** 45]) {
          const written = { ...record, seq, epoch, attempt };
          const { payload } = encodeRecord('s', written, link);
          expect(payload).toBe(`1 ${link ?? '-'} ${seq} ${epoch} ${attempt} {"output":{"text":"é"}}`);
          expect(decodeRecord(stored({ payload: new TextEncoder().encode(String(payload)) }))).toEqual({
            record: written,
            link,
          });
        }
});

test('a kind of a newer version is refused by its number, with the position', () => {
  expect(() => decodeRecord(stored({ kind: 200 }))).toThrow(
    'record at 4096 cannot be read: unknown kind 200; open the log with the version that wrote it',
  );
});

test('a payload of another codec, broken JSON and broken UTF-8 are refused, never guessed at', () => {
  const heads = ['1 -5 3 2 4 {}', '1  3 2 4 {}', '1 4000 3 2 4', '1 4000 3 2', '1 9007199254740993 3 2 4 {}', '-'];
  for (const payload of [...heads, '2 3 2 4 {}', '1 4000 3 2 4 {"output":', '', '1 x 2 4 {}']) {
    expect(() => decodeRecord(stored({ payload: new TextEncoder().encode(payload) }))).toThrow(RecordUnreadableError);
  }
  expect(() => decodeRecord(stored({ payload: Uint8Array.of(0x31, 0x20, 0xff) }))).toThrow(RecordUnreadableError);
});
