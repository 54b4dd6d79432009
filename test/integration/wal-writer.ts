/**
 * Appends to a log for ever and says on stdout what was acknowledged, one line `number lsn` each. To be killed.
 *
 * node test/integration/wal-writer.ts <folder> <number of the first entry> <appends in flight>
 */
import { writeSync } from 'node:fs';
import { openWal } from '../../src/wal/wal.ts';
import { killEntry, killSegmentBytes } from './wal-kill-entry.ts';

const [folder = '', first = '0', inFlight = '1'] = process.argv.slice(2);
let next = Number(first);
const wal = await openWal(folder, { segmentBytes: killSegmentBytes });

async function appendForEver(): Promise<never> {
  for (;;) {
    const number = next++;
    const lsn = await wal.append([killEntry(number)]);
    // Synchronous, so that the line has left this process before the next append begins.
    writeSync(1, `${number} ${lsn}\n`);
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, appendForEver));
