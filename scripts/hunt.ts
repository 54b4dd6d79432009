/**
 * Looks for worlds in which a property does not hold: `npm run hunt -- [--minutes 10] [--runs 500] [test files…]`.
 * Every round draws with another seed; the first red one ends it and says how to see it again.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, runs: { type: 'string', default: '500' } },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new RangeError(`Expected --minutes to be a number > 0, got ${values.minutes}`);
const files = positionals.length > 0 ? positionals : ['test/property', 'test/model'];
const endMs = performance.now() + minutes * 60_000;

function round(seed: number): boolean {
  const { status } = spawnSync('vitest', ['run', ...files, '--reporter=dot', '--testTimeout=600000'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MAKEGOOD_SEED: String(seed), MAKEGOOD_WAL_RUNS: values.runs },
  });
  return status === 0;
}

let rounds = 0;
do {
  const seed = randomInt(2 ** 31);
  if (!round(seed)) {
    console.error(
      `seed ${seed} is red: MAKEGOOD_SEED=${seed} MAKEGOOD_WAL_RUNS=${values.runs} npx vitest run ${files.join(' ')}`,
    );
    process.exit(1);
  }
  rounds++;
  console.log(`${rounds} rounds, none red; the last had seed ${seed}`);
} while (performance.now() < endMs);
