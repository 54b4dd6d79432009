/**
 * Runs sagas for a long time and looks at what the server holds: `node scripts/soak-server.ts [--minutes 60] [--in-flight 32] [--per-second 50]`.
 *
 * Ends with 1 when memory or descriptors grow. Over the second half RSS may rise by 16 MiB an hour, and no more descriptors
 * may be open at its end than at its beginning, but for ten. A run below half an hour shows its figures and judges nothing: a
 * heap that has not been collected yet looks like one that leaks.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load } from './server-load/load.ts';
import { type Held, ServerUnderLoad } from './server-load/server-under-load.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    'in-flight': { type: 'string', default: '32' },
    'per-second': { type: 'string', default: 'Infinity' },
  },
});
const minutes = Number(values.minutes);
const inFlight = Number(values['in-flight']);
const perSecond = Number(values['per-second']);
if (!(minutes > 0 && perSecond > 0) || !Number.isInteger(inFlight) || inFlight < 1) {
  throw new RangeError('Expected --minutes and --per-second above 0 and --in-flight to be an integer ≥ 1');
}

interface Sample extends Held {
  readonly minute: number;
  readonly perSecond: number;
}

/** The slope of a line through samples, by least squares: MiB a minute. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [meanX, meanY] = [mean(({ minute }) => minute), mean(({ rssMiB }) => rssMiB)];
  const over = samples.reduce((sum, { minute, rssMiB }) => sum + (minute - meanX) * (rssMiB - meanY), 0);
  return over / samples.reduce((sum, { minute }) => sum + (minute - meanX) ** 2, 0);
}

const stretchMs = Math.max(1000, (minutes * 60_000) / 60);
const samples: Sample[] = [];
const startedMs = performance.now();
await using server = new ServerUnderLoad(fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)));
await server.ready();
while (performance.now() - startedMs < minutes * 60_000) {
  const stretch = await load(server, { inFlight, forMs: stretchMs, name: `soak-${samples.length}`, perSecond });
  const sample = { minute: (performance.now() - startedMs) / 60_000, perSecond: stretch.perSecond, ...server.held };
  samples.push(sample);
  const { minute, rssMiB, fds } = sample;
  console.log(
    `${minute.toFixed(1)} min  ${stretch.perSecond.toFixed(0)} sagas/s  RSS ${rssMiB.toFixed(0)} MiB  ${fds} descriptors`,
  );
}

const half = samples.slice(Math.floor(samples.length / 2));
const slope = half.length > 1 ? slopeOf(half) : 0;
const grew = (half.at(-1)?.fds ?? 0) - (half[0]?.fds ?? 0);
const perHour = slope * 60;
console.log(`RSS over the second half: ${perHour.toFixed(0)} MiB an hour; descriptors ${grew >= 0 ? '+' : ''}${grew}`);
if (minutes >= 30 && (perHour > 16 || grew > 10)) process.exitCode = 1;
