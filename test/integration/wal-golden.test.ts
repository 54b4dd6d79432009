import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalRecord } from '../../src/wal/wal-record.ts';
import { hexUnder } from './hex-on-page.ts';
import { goldenAppends, goldenFiles, writeGoldenLog } from './wal-golden-log.ts';

const folder = fileURLToPath(new URL('../golden/wal-v1/', import.meta.url));
const formatPage = fileURLToPath(new URL('../../docs/reference/wal-format.md', import.meta.url));
const golden = (name: string): Promise<Uint8Array> =>
  readFile(`${folder}${name}`).then((bytes) => new Uint8Array(bytes));
const encoder = new TextEncoder();

test('a log written by version 1 is read for ever', async () => {
  const files = memoryFiles();
  await files.makeDirectory('/log');
  for (const name of goldenFiles) files.replace(`/log/${name}`, await golden(name));
  const records: WalRecord[] = [];
  await using wal = await openWal('/log', {
    files,
    onRecord: (record) => records.push({ ...record, payload: record.payload.slice() }),
  });
  const wanted = goldenAppends.flat();
  for (const [index, { payload, ...entry }] of wanted.entries()) {
    expect(records[index]).toMatchObject(entry);
    expect(records[index]?.payload).toEqual(typeof payload === 'string' ? encoder.encode(payload) : payload);
  }
  expect(records.map(({ lsn }) => lsn)).toEqual([4160, 4280, 4344, 4456, 12_352, 14_464]);
  expect(wal.recovered).toMatchObject({ clean: true, records: 6, tornTail: undefined });
  const lsn = await wal.append([{ kind: 9, state: 0, timestamp: 0, txId: 'later', stepId: '', payload: '' }]);
  expect((await wal.readAt(lsn)).txId).toBe('later');
});

test('the same appends write the same bytes today', async () => {
  const { files } = await writeGoldenLog();
  for (const name of goldenFiles) expect(files.contents(`/log/${name}`), name).toEqual(await golden(name));
});

test('the example in the description of the format is the beginning of the golden log, and says what its fields are', async () => {
  const page = await readFile(formatPage, 'utf8');
  const { offset, bytes } = hexUnder(page, '## Example');
  const segment = await golden('0000000000000000.seg');
  expect(offset).toBe(4096);
  expect(bytes).toEqual(segment.slice(offset, offset + bytes.length));
  const view = new DataView(bytes.buffer);
  expect(page).toContain(`position ${view.getBigUint64(8, true)}`);
  expect(page).toContain(`${view.getUint32(24, true)} bytes of body`);
  expect(page).toContain(`length ${view.getUint32(64, true)}`);
  expect(page).toContain(`txId of ${view.getUint16(92, true)} bytes`);
});
