/** The files of blocks in the description of the format: what the program writes today, and what it reads for ever. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ArchiveFile } from '../../src/journal/archive-file.ts';
import { hashOf } from '../../src/journal/id-hash.ts';
import { decodeCheckpointEntry } from '../../src/journal/journal-checkpoint.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { BlockFileReader } from '../../src/wal/block-file-reader.ts';
import { withFile } from '../../src/wal/whole-io.ts';
import { exampleArchive, exampleCheckpoint, exampleStretch } from './block-file-examples.ts';
import { hexUnder } from './hex-on-page.ts';

const formatPage = fileURLToPath(new URL('../../docs/reference/wal-format.md', import.meta.url));
const page = await readFile(formatPage, 'utf8');
const idOf = (bytes: Uint8Array): Uint8Array => bytes.slice(16, 32);

test('the checkpoint on the page is read, and is what the program writes', async () => {
  const { bytes } = hexUnder(page, '### A checkpoint');
  expect(bytes).toEqual(await exampleCheckpoint());
  const files = memoryFiles();
  files.replace('/example.ckpt', bytes);
  await withFile(files.open('/example.ckpt', 'read'), async (file) => {
    const reader = await BlockFileReader.on(file, '/example.ckpt');
    const { lsn } = await reader.verify('checkpoint', idOf(bytes));
    expect(page).toContain(`at position ${lsn}, by a journal in its third epoch`);
    const [record] = reader.records(await reader.block(128));
    expect(record === undefined ? undefined : decodeCheckpointEntry(record)).toEqual({
      epoch: 3,
      timestamp: 1_700_000_000_000,
      archivedTo: 0,
    });
  });
});

test('the archive on the page is read, and is what the program writes', async () => {
  const { bytes } = hexUnder(page, '### An archive');
  expect(bytes).toEqual(await exampleArchive());
  const files = memoryFiles();
  files.replace('/example.arc', bytes);
  const archive = await ArchiveFile.open(files, '/example.arc', idOf(bytes));
  expect(archive).toMatchObject({ ...exampleStretch, directory: { entries: 1, purged: false } });
  const [record, ...others] = await archive.history('order-1', hashOf('order-1'));
  expect(others).toEqual([]);
  expect(record).toMatchObject({ lsn: 4160, kind: 1, state: 1, txId: 'order-1' });
  expect(new TextDecoder().decode(record?.payload)).toBe('{"sku":"A1"}');
  expect(await archive.line('order-1', hashOf('order-1'))).toMatchObject({
    birth: 4160,
    facts: { status: 'completed' },
  });
});
