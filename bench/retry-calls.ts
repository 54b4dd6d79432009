/** One case of one system, measured in this process: `node retry-calls.ts ns|bytes "success at once" "bare loop"`. */
import { median } from './report.ts';
import { cases } from './retry-cases.ts';

type Repeat = (calls: number) => Promise<void>;

async function nsPerCall(repeat: Repeat): Promise<number> {
  const timed = async (calls: number): Promise<number> => {
    const startedMs = performance.now();
    await repeat(calls);
    return ((performance.now() - startedMs) * 1e6) / calls;
  };
  // Who needs a timer a call takes thousands of times longer; a batch lasts about half a millisecond whatever it measures,
  // so that many of them are over before the processor is given to somebody else.
  const batch = Math.max(5, Math.min(5000, Math.round(5e5 / (await timed(100)))));
  const batches: number[] = [];
  const untilMs = performance.now() + 1000;
  while (batches.length < 120 || performance.now() < untilMs) batches.push(await timed(batch));
  // Others on the machine can only slow a batch down, so the fastest twentieth says most about the code.
  const measured = batches.slice(batches.length / 2).sort((left, right) => left - right);
  return measured[Math.floor(measured.length / 20)] ?? Number.NaN;
}

/** What is allocated: the young generation is so large that nothing is collected in between. */
async function bytesPerCall(repeat: Repeat): Promise<number> {
  const calls = 500;
  const samples: number[] = [];
  for (let round = 0; round < 20; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await repeat(calls);
    samples.push((process.memoryUsage().heapUsed - before) / calls);
  }
  return median(samples.slice(10));
}

const [what = 'ns', name, system = ''] = process.argv.slice(2);
const chosen = cases.find((one) => one.name === name);
const run = await chosen?.systems[system]?.();
if (chosen === undefined || run === undefined) throw new RangeError(`no case "${name}" of "${system}"`);
const fn = chosen.makeFn();
const repeat: Repeat = async (calls) => {
  for (let call = 0; call < calls; call++) await run(fn);
};
console.log(JSON.stringify({ [what]: await (what === 'ns' ? nsPerCall(repeat) : bytesPerCall(repeat)) }));
process.exit();
