/** Opens a log in a process of its own and says what that took: `node recover-large.ts <folder>`. */
import { openWal } from '../../src/wal/wal.ts';

const [folder = ''] = process.argv.slice(2);
const startedMs = performance.now();
let records = 0;
const wal = await openWal(folder, { onRecord: () => void records++ });
const seconds = (performance.now() - startedMs) / 1000;
await wal.close();
// The most it ever was, in KiB (getrusage).
const rssMiB = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify({ records, seconds, rssMiB }));
