import { describe, expect, test } from 'vitest';
import { seededRandom } from '../ports/random.ts';
import { filesContract } from './files-suite.ts';
import { type MemoryFiles, memoryFiles } from './memory-files.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A file of `length` times the letter `a`, durable with its name. */
async function durableFile(files: MemoryFiles, path: string, length: number): Promise<void> {
  const file = await files.open(path, 'create');
  await file.write(bytes('a'.repeat(length)), 0, length, 0);
  await file.sync();
  await file.close();
  await files.syncDirectory('/');
}

async function crashedHalfway(seed: number): Promise<string> {
  const files = memoryFiles({ random: seededRandom(seed) });
  await durableFile(files, '/a', 8192);
  const file = await files.open('/a', 'write');
  await file.write(bytes('b'.repeat(8192)), 0, 8192, 0);
  files.crash();
  return text(files.contents('/a'));
}

describe('keeps the contract of files', () => {
  for (const check of filesContract) {
    test(check.name, async () => {
      const files = memoryFiles();
      await files.makeDirectory('/data');
      await check.run(files, '/data');
    });
  }
});

describe('crash', () => {
  test('keeps what was synced, with its name', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const files = memoryFiles({ random: seededRandom(seed) });
      await durableFile(files, '/a', 2000);
      files.crash();
      expect(text(files.contents('/a'))).toBe('a'.repeat(2000));
    }
  });

  test('keeps any subset of the sectors that were not synced, and no other subset of bytes', async () => {
    const fates = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const files = memoryFiles({ random: seededRandom(seed) });
      await durableFile(files, '/a', 2048);
      const file = await files.open('/a', 'write');
      await file.write(bytes('b'.repeat(1536)), 0, 1536, 0);
      files.crash();
      const found = text(files.contents('/a'));
      fates.add(found.replaceAll('a'.repeat(512), 'a').replaceAll('b'.repeat(512), 'b'));
    }
    expect([...fates].sort()).toEqual(['aaaa', 'aaba', 'abaa', 'abba', 'baaa', 'baba', 'bbaa', 'bbba']);
  });

  test('a durable write survives, and does not take the sectors around it along', async () => {
    let lost = 0;
    for (let seed = 0; seed < 50; seed++) {
      const files = memoryFiles({ random: seededRandom(seed) });
      await durableFile(files, '/a', 2048);
      const plain = await files.open('/a', 'write');
      await plain.write(bytes('p'.repeat(512)), 0, 512, 0);
      const durable = await files.open('/a', 'write', { durable: true });
      await durable.write(bytes('d'.repeat(512)), 0, 512, 1024);
      files.crash();
      const found = text(files.contents('/a'));
      expect(found.slice(1024, 1536)).toBe('d'.repeat(512));
      if (found.startsWith('a')) lost++;
    }
    expect(lost).toBeGreaterThan(10);
  });

  test('undoes creations and renames whose folder was not synced, the last ones first', async () => {
    const fates = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const files = memoryFiles({ random: seededRandom(seed) });
      await durableFile(files, '/a', 10);
      await files.rename('/a', '/b');
      await files.open('/c', 'create');
      files.crash();
      fates.add((await files.list('/')).sort().join());
    }
    expect([...fates].sort()).toEqual(['a', 'b', 'b,c']);
  });

  test('frees locks and kills open files', async () => {
    const files = memoryFiles();
    const file = await files.open('/a', 'create');
    await files.lock('/LOCK');
    files.crash();
    await expect(file.size()).rejects.toMatchObject({ code: 'EBADF' });
    await (await files.lock('/LOCK')).release();
  });

  test('is the same for the same seed', async () => {
    expect(await crashedHalfway(99)).toBe(await crashedHalfway(99));
  });
});

describe('faults', () => {
  test('a failed sync marks the sectors clean: read until the crash, lost in it, though the next sync succeeds', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const files = memoryFiles({ random: seededRandom(seed) });
      await durableFile(files, '/a', 512);
      const file = await files.open('/a', 'write');
      await file.write(bytes('b'.repeat(512)), 0, 512, 0);
      files.faults.syncFailsAt = 1;
      await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
      await file.sync();
      expect(text(files.contents('/a'))).toBe('b'.repeat(512));
      files.crash();
      expect(text(files.contents('/a'))).toBe('a'.repeat(512));
    }
  });

  test('after a failed sync the same bytes written again are synced', async () => {
    const files = memoryFiles({ faults: { syncFailsAt: 3 } });
    await durableFile(files, '/a', 512);
    const file = await files.open('/a', 'write', { durable: true });
    await file.write(bytes('b'.repeat(512)), 0, 512, 0);
    await expect(file.write(bytes('c'.repeat(512)), 0, 512, 0)).rejects.toMatchObject({ code: 'EIO' });
    await file.write(bytes('c'.repeat(512)), 0, 512, 0);
    files.crash();
    expect(text(files.contents('/a'))).toBe('c'.repeat(512));
  });

  test('the n-th read and the n-th write fail once', async () => {
    const files = memoryFiles({ faults: { readFailsAt: 2, writeFailsAt: 2 } });
    const file = await files.open('/a', 'create');
    await file.write(bytes('a'), 0, 1, 0);
    await expect(file.write(bytes('b'), 0, 1, 0)).rejects.toMatchObject({ code: 'EIO' });
    await file.write(bytes('c'), 0, 1, 1);
    await file.read(new Uint8Array(1), 0, 1, 0);
    await expect(file.read(new Uint8Array(1), 0, 1, 0)).rejects.toMatchObject({ code: 'EIO' });
    expect(text(files.contents('/a'))).toBe('ac');
  });

  test('a full disk takes what fits, then refuses, and still takes writes within files', async () => {
    const files = memoryFiles({ faults: { capacityBytes: 10 } });
    const file = await files.open('/a', 'create');
    expect(await file.write(bytes('x'.repeat(20)), 0, 20, 0)).toBe(10);
    await expect(file.write(bytes('x'), 0, 1, 10)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await file.write(bytes('y'), 0, 1, 3)).toBe(1);
    expect(await file.size()).toBe(10);
  });

  test('short writes say how much they took', async () => {
    const files = memoryFiles({ faults: { shortRatio: 1 } });
    const file = await files.open('/a', 'create');
    const count = await file.write(bytes('x'.repeat(100)), 0, 100, 0);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(100);
    expect(await file.size()).toBe(count);
  });

  test('the power fails at the n-th operation and stays away until the crash', async () => {
    const files = memoryFiles({ faults: { powerFailsAt: 3 } });
    const file = await files.open('/a', 'create');
    await files.syncDirectory('/');
    await expect(file.write(bytes('a'), 0, 1, 0)).rejects.toMatchObject({ code: 'EPOWER' });
    await expect(files.list('/')).rejects.toMatchObject({ code: 'EPOWER' });
    files.crash();
    expect(await files.list('/')).toEqual(['a']);
  });
});
