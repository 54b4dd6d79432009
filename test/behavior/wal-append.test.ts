import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { walDefaults } from '../../src/wal/wal-options.ts';
import { WalClosedError, WalOverloadedError } from '../../src/wal/wal-errors.ts';
import type { WalEntry } from '../../src/wal/wal-record.ts';
import { all, entry, numbers, open, range } from './small-log.ts';

describe('append', () => {
  test('resolves with where the first entry stands, in the order of the calls', async () => {
    await using wal = await open(memoryFiles());
    const order: number[] = [];
    const lsns = await Promise.all(
      range(20).map(async (number) => {
        const lsn = await wal.append([entry(number), entry(number + 100)]);
        order.push(number);
        return lsn;
      }),
    );
    expect(order).toEqual(range(20));
    expect(lsns).toEqual(lsns.toSorted((a, b) => a - b));
    for (const [number, lsn] of lsns.entries()) expect((await wal.readAt(lsn)).timestamp).toBe(number);
  });

  test('resolves only after the write that carries it ended: the disk has the record by then', async () => {
    const files = memoryFiles();
    const wal = await open(files);
    await wal.append([entry(7)]);
    files.crash();
    await using again = await open(files);
    expect(numbers(await all(again.read()))).toEqual([7]);
  });

  test('what is appended while a batch is in flight shares the next one', async () => {
    const files = memoryFiles();
    await using wal = await open(files);
    const before = files.operations;
    await Promise.all(range(50).map((number) => wal.append([entry(number)])));
    expect(files.operations - before).toBe(1);
  });

  test('a batch of 256 KiB is on its way before the turn ends; what comes behind it goes with the next', async () => {
    const files = memoryFiles();
    await using wal = await open(files, { segmentBytes: 1 << 20, flush: walDefaults.flush });
    await wal.append([entry(0)]);
    const before = files.operations;
    const large = [1, 2, 3].map((number) => wal.append([entry(number, 'x'.repeat(100_000))]));
    // The file in memory begins in the next microtask; no turn of the event loop has passed by then.
    await Promise.resolve();
    expect(files.operations - before).toBe(1);
    const small = range(50).map((number) => wal.append([entry(number + 4)]));
    await Promise.all([...large, ...small]);
    expect(files.operations - before).toBe(2);
    expect(numbers(await all(wal.read()))).toEqual(range(54));
  });

  test('text and ids of any script come back as they were, also beyond the lengths that are looped over', async () => {
    await using wal = await open(memoryFiles());
    for (const text of ['', 'ascii', 'é', '漢字', '😀', 'x'.repeat(47) + 'é', 'x'.repeat(49), '😀'.repeat(40), '\0']) {
      const lsn = await wal.append([{ ...entry(1, text), txId: text, stepId: `${text}!` }]);
      const record = await wal.readAt(lsn);
      expect([record.txId, record.stepId]).toEqual([text, `${text}!`]);
      expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(record.payload)).toBe(text);
    }
  });

  test('the bounds of kind, state, timestamp and payload come back as they were', async () => {
    await using wal = await open(memoryFiles());
    for (const timestamp of [0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 1_700_000_000_000.5]) {
      const lsn = await wal.append([{ ...entry(0), kind: 255, state: 255, timestamp, payload: new Uint8Array() }]);
      expect(await wal.readAt(lsn)).toMatchObject({ kind: 255, state: 255, timestamp, payload: new Uint8Array() });
    }
  });

  test.each([
    [{ kind: 256 }, RangeError, 'Expected kind to be an integer from 0 to 255, got 256'],
    [{ kind: -1 }, RangeError, 'got -1'],
    [{ state: 1.5 }, RangeError, 'Expected state to be an integer from 0 to 255, got 1.5'],
    [{ timestamp: '1' }, TypeError, 'Expected timestamp to be a number, got string'],
    [{ txId: 5 }, TypeError, 'Expected txId to be a string, got number'],
    [{ stepId: undefined }, TypeError, 'Expected stepId to be a string, got undefined'],
    [{ txId: 'x'.repeat(65_536) }, RangeError, 'Expected txId to be at most 65535 bytes of UTF-8, got 65536'],
    [{ stepId: 'é'.repeat(32_768) }, RangeError, 'Expected stepId to be at most 65535 bytes of UTF-8, got 65536'],
    [{ payload: {} }, TypeError, 'Expected payload to be a string or a Uint8Array, got object'],
    [{ payload: 'x'.repeat(16_384) }, RangeError, 'Expected the entries of one append to take at most 12160 bytes'],
  ])('refuses %o and goes on', async (wrong, kind, message) => {
    await using wal = await open(memoryFiles());
    const appended = wal.append([entry(1), { ...entry(2), ...wrong } as WalEntry]);
    await expect(appended).rejects.toThrow(kind);
    await expect(appended).rejects.toThrow(message);
    await expect(wal.append([])).rejects.toThrow('Expected entries to hold at least 1 entry, got 0');
    await wal.append([entry(3)]);
    expect(numbers(await all(wal.read()))).toEqual([3]);
  });

  test('entries that fill a segment to the last byte fit, one byte more does not', async () => {
    await using wal = await open(memoryFiles());
    const room = 16_384 - 4096 - 2 * 64 - 32 - 'tx-0'.length - 'step'.length;
    await wal.append([entry(0, new Uint8Array(room))]);
    await expect(wal.append([entry(0, new Uint8Array(room + 1))])).rejects.toThrow(RangeError);
    await wal.append([entry(0, 'é'.repeat(room / 2))]);
    expect((await all(wal.read())).map(({ payload }) => payload.length)).toEqual([room, room]);
  });

  test('an id of 65,535 bytes fits', async () => {
    await using wal = await open(memoryFiles(), { segmentBytes: 262_144 });
    const txId = 'é'.repeat(32_767) + 'x';
    const lsn = await wal.append([{ ...entry(0), txId, stepId: 'y'.repeat(65_535) }]);
    expect(await wal.readAt(lsn)).toMatchObject({ txId, stepId: 'y'.repeat(65_535) });
  });

  test('an append larger than a batch gets one of its own', async () => {
    const flush = { maxBatchBytes: 1024 };
    await using wal = await open(memoryFiles(), { flush });
    const appended = range(6).map((number) =>
      wal.append([entry(number, new Uint8Array(number % 2 === 0 ? 5000 : 10))]),
    );
    await Promise.all(appended);
    expect(numbers(await all(wal.read()))).toEqual(range(6));
  });

  test('entries that change before they are written are refused, and what waits behind them is not', async () => {
    await using wal = await open(memoryFiles(), { flush: { maxBatchRecords: 1 } });
    const entries = [entry(1, 'short')];
    const first = wal.append([entry(0)]);
    const changed = wal.append(entries);
    const last = wal.append([entry(2)]);
    entries[0] = entry(1, 'much longer than it was when it was measured'.repeat(10));
    await first;
    await expect(changed).rejects.toThrow('Expected entries not to change before their append settles');
    await last;
    expect(numbers(await all(wal.read()))).toEqual([0, 2]);
  });
});

describe('back-pressure', () => {
  test('what finds no room in a batch waits in line, in order, whatever fits where', async () => {
    await using wal = await open(memoryFiles(), { flush: { maxBatchBytes: 1024, maxBatchRecords: 3 } });
    const order: number[] = [];
    const sizes = [900, 10, 700, 5, 5, 5, 5, 3000, 1, 800, 800];
    const appended = sizes.map((size, number) =>
      wal.append([entry(number, new Uint8Array(size))]).then(() => order.push(number)),
    );
    await Promise.all(appended);
    expect(order).toEqual(range(sizes.length));
    expect(numbers(await all(wal.read()))).toEqual(range(sizes.length));
  });

  test.each([
    ['appends', { maxWaitingAppends: 2 }],
    ['bytes', { maxWaitingBytes: 200 }],
  ])('refuses beyond its bound of waiting %s, and takes again once they are written', async (_name, bound) => {
    await using wal = await open(memoryFiles(), { flush: { maxBatchRecords: 1, ...bound } });
    const first = [wal.append([entry(0)]), wal.append([entry(1)]), wal.append([entry(2)])];
    const refusal = wal.append([entry(3)]);
    await expect(refusal).rejects.toBeInstanceOf(WalOverloadedError);
    await expect(refusal).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_OVERLOADED', waitingAppends: 2 });
    await Promise.all(first);
    await wal.append([entry(4)]);
    expect(numbers(await all(wal.read()))).toEqual([0, 1, 2, 4]);
  });
});

describe('closing', () => {
  test('writes out what was appended, seals the log, and is safe twice', async () => {
    const files = memoryFiles();
    const wal = await open(files);
    const appended = range(10).map((number) => wal.append([entry(number)]));
    await Promise.all([wal.close(), wal.close()]);
    await Promise.all(appended);
    await using again = await open(files);
    expect(again.recovered).toMatchObject({ clean: true, records: 10, tornTail: undefined });
  });

  test('afterwards every use is refused', async () => {
    const wal = await open(memoryFiles());
    const lsn = await wal.append([entry(0)]);
    await wal.close();
    await expect(wal.append([entry(1)])).rejects.toBeInstanceOf(WalClosedError);
    await expect(wal.readAt(lsn)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_CLOSED' });
    await expect(all(wal.read())).rejects.toBeInstanceOf(WalClosedError);
  });

  test('leaves no timer behind', async () => {
    const clock = testClock();
    const wal = await open(memoryFiles(), { clock });
    await wal.append([entry(0)]);
    await clock.settle();
    expect(clock.pendingTimers).toBe(1);
    await wal.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('silence', () => {
  test('10 ms after the last flush the end is marked, once, and the next append takes the place of the mark', async () => {
    const files = memoryFiles();
    const clock = testClock();
    const wal = await open(files, { clock });
    await wal.append([entry(0)]);
    const end = wal.durableLsn;
    await clock.advance(6);
    const lsn = await wal.append([entry(1)]);
    expect(lsn).toBe(end + 64);
    const before = files.operations;
    await clock.advance(9);
    expect(files.operations).toBe(before);
    await clock.advance(2);
    expect(files.operations).toBe(before + 1);
    await clock.advance(1000);
    expect(files.operations).toBe(before + 1);
    expect(clock.pendingTimers).toBe(0);
    const markedEnd = wal.durableLsn;
    expect(await wal.append([entry(2)])).toBe(markedEnd + 64);
    await wal.close();
  });
});
