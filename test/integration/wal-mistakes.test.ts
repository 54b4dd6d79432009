/** Mistakes that other logs have made, one test each, named after where they were made. */
import { expect, test } from 'vitest';
import { repairLog } from '../../src/cli/wal/repair-log.ts';
import { FrameBuffer } from '../../src/wal/frame-buffer.ts';
import { batchHeaderBytes, encodeBatchHeader } from '../../src/wal/batch-header.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { diskWith, flipBit, segmentPath, smallSegmentBytes, withChange } from '../property/wal-disk.ts';
import { checkRecovered, entryOf, logPath, recover, worldOptions } from '../property/wal-world.ts';

const sizes = [[10], [0, 33], [7], [64], [1, 2, 3]] as const;
const large = Array.from({ length: 12 }, (_, index) => [900 + index, 30]);
/** So large that no next segment is prepared, which has failures of its own. */
const roomySegmentBytes = 65_536;
const corrupt = { code: 'MAKEGOOD_WAL_CORRUPT' };

test('doltlite#1341: damage in the middle is not read as a torn end', async () => {
  const disk = await diskWith(sizes, 'crash');
  const [firstEnd = 0, secondEnd = 0] = disk.batchEnds;
  const files = withChange(disk, segmentPath(0), (bytes) => bytes.fill(0xff, firstEnd + 8, firstEnd + 24));
  await expect(recover(files, smallSegmentBytes)).rejects.toMatchObject({
    ...corrupt,
    offset: firstEnd,
    readableAfter: secondEnd,
  });
});

test('etcd#14098: no length is believed before its checksum, however large it says it is', async () => {
  const disk = await diskWith(sizes, 'sealed');
  const [firstEnd = 0] = disk.batchEnds;
  for (const length of [0xff, 0xffff_fff8, 0x7fff_fff8]) {
    const files = withChange(disk, segmentPath(0), (bytes) => {
      new DataView(bytes.buffer).setUint32(firstEnd + 24, length, true);
      return bytes;
    });
    await expect(recover(files, smallSegmentBytes)).rejects.toMatchObject({ ...corrupt, offset: firstEnd });
  }
});

test('etcd#14098: a length that its checksum confirms and the segment cannot hold is refused as well', async () => {
  const disk = await diskWith(sizes, 'sealed');
  const salt = new DataView(disk.files.contents(segmentPath(0)).buffer, 48, 8);
  const frame = new FrameBuffer(batchHeaderBytes);
  encodeBatchHeader(frame, 0, {
    lsn: 4096,
    durableLsn: 4096,
    bodyBytes: 2 ** 31 - 8,
    count: 1,
    bodyCrc: 0,
    previousCrc: 0,
    timestamp: 0,
    kind: 1,
    salt: { low: salt.getUint32(0, true), high: salt.getUint32(4, true) },
  });
  const files = withChange(disk, segmentPath(0), (bytes) => {
    bytes.set(frame.bytes, 4096);
    return bytes;
  });
  await expect(recover(files, smallSegmentBytes)).rejects.toMatchObject({ ...corrupt, offset: 4096 });
});

test('cqlite#1390: what is appended behind a torn end survives, and what was torn does not come back', async () => {
  const disk = await diskWith(sizes, 'crash');
  const files = withChange(disk, segmentPath(0), (bytes) => bytes.fill(0, (disk.batchEnds.at(-1) ?? 0) - 30));
  const first = await recover(files, smallSegmentBytes);
  expect(first.wal.recovered.tornTail).toBeDefined();
  await first.wal.append([entryOf(first.records.length, 3)]);
  await first.wal.close();
  const again = await recover(files, smallSegmentBytes);
  expect(again.records.map(({ timestamp }) => timestamp)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(again.wal.recovered.tornTail).toBeUndefined();
  await again.wal.close();
});

test('rocksdb#6288: EIO at any read is an error, never the end of the log', async () => {
  const disk = await diskWith(large, 'sealed');
  for (let read = 1; ; read++) {
    const files = disk.files.clone(seededRandom(1));
    files.faults.readFailsAt = read;
    const opened = await recover(files, smallSegmentBytes).catch((error: unknown) => error);
    // Beyond the last read nothing fails any more.
    if (files.faults.readFailsAt !== undefined) {
      expect(read).toBeGreaterThan(6);
      break;
    }
    expect(opened).toMatchObject({ code: 'MAKEGOOD_WAL_READ_FAILED' });
  }
});

test('cockroach#37216: after a failed sync nothing is acknowledged any more', async () => {
  const files = memoryFiles();
  const wal = await openWal(logPath, worldOptions(files, testClock(), roomySegmentBytes));
  await wal.append([entryOf(0, 10)]);
  files.faults.syncFailsAt = 1;
  await expect(wal.append([entryOf(1, 10)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  for (let turn = 0; turn < 3; turn++)
    await expect(wal.append([entryOf(2, 10)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  await wal.close();
});

test('prometheus#13152: a repair keeps the newer segments, byte for byte, and takes none without consent', async () => {
  const disk = await diskWith(large, 'sealed');
  const newer = [2, 3].map((seq) => disk.files.contents(segmentPath(seq)));
  const files = withChange(disk, segmentPath(1), (bytes) => bytes.fill(0xa5, 4300, 4400));
  await repairLog(logPath, { files, consent: { yes: true, acceptLoss: false } });
  expect([2, 3].map((seq) => files.contents(segmentPath(seq)))).toEqual(newer);
  const { aside } = await repairLog(logPath, { files, consent: { yes: true, acceptLoss: true } });
  const kept = aside.map((name) => files.contents(`${logPath}/${name}`));
  for (const segment of newer) expect(kept).toContainEqual(segment);
});

test('prometheus#19699: bytes of a batch whose write failed do not get into the log of the next opening', async () => {
  const files = memoryFiles();
  const wal = await openWal(logPath, worldOptions(files, testClock(), roomySegmentBytes));
  await wal.append([entryOf(0, 10)]);
  files.faults.writeFailsAt = 1;
  await expect(wal.append([entryOf(1, 500), entryOf(2, 500)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  await wal.close();
  const next = await recover(files, roomySegmentBytes);
  await next.wal.append([entryOf(1, 20)]);
  await next.wal.close();
  const { wal: last, records } = await recover(files, roomySegmentBytes);
  checkRecovered(
    {
      calls: [
        { first: 0, sizes: [10] },
        { first: 1, sizes: [20] },
      ],
    },
    records,
  );
  await last.close();
});

test('leveldb#195, rocksdb#10573: a power cut right after an acknowledgement loses no file', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const files = memoryFiles({ random: seededRandom(seed) });
    const wal = await openWal(logPath, worldOptions(files, testClock(), smallSegmentBytes));
    let number = 0;
    // Over the border of the first segment, where a file was made just before.
    while (wal.durableLsn < smallSegmentBytes) await wal.append([entryOf(number++, 900)]);
    files.crash();
    const { wal: again, records } = await recover(files, smallSegmentBytes);
    expect(records).toHaveLength(number);
    await again.close();
  }
});

test('nats-server#7549: one flipped bit loses nothing that was acknowledged without a word', async () => {
  const disk = await diskWith(sizes, 'sealed');
  const end = (disk.batchEnds.at(-1) ?? 0) * 8;
  for (let bit = 4096 * 8; bit < end; bit += 5) {
    const files = withChange(disk, segmentPath(0), (bytes) => flipBit(bytes, bit));
    await expect(recover(files, smallSegmentBytes)).rejects.toMatchObject(corrupt);
  }
});

test('etcd#2819: a disk that ran full leaves a log that opens, whole, once there is space', async () => {
  for (let capacityBytes = smallSegmentBytes; capacityBytes < 4 * smallSegmentBytes; capacityBytes += 700) {
    const files = memoryFiles({ faults: { capacityBytes } });
    let acknowledged = 0;
    // A log whose reserve is used up waits for room; what is told of that ends the wait here.
    const exhausted = Promise.withResolvers<never>();
    const observer = ({ type }: { readonly type: string }): void => {
      if (type === 'wal.exhausted') exhausted.reject(new Error('ENOSPC, and the reserve is used up'));
    };
    exhausted.promise.catch(() => undefined);
    try {
      const wal = await openWal(logPath, { ...worldOptions(files, testClock(), smallSegmentBytes), observer });
      for (; wal.failed === undefined; acknowledged++)
        await Promise.race([wal.append([entryOf(acknowledged, 700)]), exhausted.promise]);
    } catch (error) {
      expect((error as Error).message).toContain('ENOSPC');
    }
    delete files.faults.capacityBytes;
    files.crash();
    const { wal, records } = await recover(files, smallSegmentBytes);
    expect(records).toHaveLength(acknowledged);
    await wal.close();
  }
});
