/**
 * Gives inputs that chance has made to every parser of the server, its client and its participants:
 * `node scripts/fuzz.ts [--inputs 1000000] [--seed 1]`.
 *
 * An input is taken, or refused in words. Ends with 1 when one made a parser throw anything else, took a tenth of a second of
 * processor time, or left something on a prototype. The seed and the number of the input show it again.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/ports/random.ts';
import { Inputs } from './fuzz/inputs.ts';
import { openParsers, type Parser } from './fuzz/parsers.ts';

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const [total, seed] = [Number(values.inputs), Number(values.seed)];
if (!Number.isInteger(total) || total < 1 || !Number.isInteger(seed))
  throw new RangeError('Expected --inputs to be an integer ≥ 1 and --seed to be an integer');

const hangMs = 100;
const shown = 5;
const prototypes = [Object.prototype, Array.prototype, String.prototype, Function.prototype, Map.prototype];
const keysOfAll = (): string => JSON.stringify(prototypes.map((one) => Reflect.ownKeys(one).map(String)));
const keysBefore = keysOfAll();

interface Count {
  inputs: number;
  taken: number;
  refused: number;
  crashes: number;
  hangs: number;
  slowestMs: number;
}

const faults: string[] = [];

async function give(parser: Parser, inputs: Inputs, count: Count, number: number): Promise<void> {
  const before = process.cpuUsage();
  try {
    count[await parser.read(inputs)]++;
  } catch (error) {
    count.crashes++;
    faults.push(`${parser.name}, input ${number}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  count.slowestMs = Math.max(count.slowestMs, tookMs);
  if (tookMs > hangMs) {
    count.hangs++;
    faults.push(`${parser.name}, input ${number}: ${tookMs.toFixed(0)} ms`);
  }
}

let polluted = 0;
await using parsers = await openParsers();
const rows: Record<string, Count & { readonly seconds: number }> = {};
for (const [place, parser] of parsers.entries()) {
  const inputs = new Inputs(seededRandom(seed * 1000 + place));
  const count: Count = {
    inputs: Math.ceil(total * parser.share),
    taken: 0,
    refused: 0,
    crashes: 0,
    hangs: 0,
    slowestMs: 0,
  };
  const before = process.cpuUsage();
  for (let number = 0; number < count.inputs; number++) {
    await give(parser, inputs, count, number);
    if (number % 1000 === 0 && keysOfAll() !== keysBefore) polluted++;
  }
  const { user, system } = process.cpuUsage(before);
  rows[parser.name] = {
    ...count,
    slowestMs: Math.round(count.slowestMs * 10) / 10,
    seconds: Math.round((user + system) / 1e6),
  };
}
if (keysOfAll() !== keysBefore || ({} as { readonly polluted?: unknown }).polluted !== undefined) polluted++;

console.table(rows);
const sum = (of: (count: Count) => number): number => Object.values(rows).reduce((all, row) => all + of(row), 0);
const [crashes, hangs] = [sum((row) => row.crashes), sum((row) => row.hangs)];
console.log(
  `${sum(({ inputs }) => inputs)} inputs, seed ${seed}: ${crashes} crashes, ${hangs} hangs, ${polluted} pollutions`,
);
for (const fault of faults.slice(0, shown)) console.log(fault);
if (crashes + hangs + polluted > 0) process.exitCode = 1;
