/**
 * The whole test command: every check in turn, cheapest first, ending at the first red one.
 * `node scripts/test.ts [name…]` runs only the checks named.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failuresOf, readTotals } from './vitest-totals.ts';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'makegood-test-'));
const report = join(scratch, 'vitest.json');
const refuseSkips = process.env['CI'] !== undefined && process.env['CI'] !== 'false';

const checks: readonly Check[] = [
  { name: 'node', command: ['node', 'scripts/check-node.js'] },
  { name: 'services', command: ['node', 'scripts/services.ts', 'install'] },
  { name: 'typecheck', command: ['npm', 'run', '--silent', 'typecheck'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'format', command: ['npm', 'run', '--silent', 'format:check'] },
  { name: 'unused', command: ['npm', 'run', '--silent', 'unused'] },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'] },
  { name: 'package', command: ['npm', 'run', '--silent', 'package:check'] },
  {
    name: 'tests',
    command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  },
];

interface Result {
  readonly name: string;
  readonly green: boolean;
  /** One line for people: colour, name, time and, when red, why. */
  readonly line: string;
}

/** Runs a check with its output shown. */
function run({ name, command: [program = '', ...args] }: Check): Result {
  console.log(`\n── ${name}: ${[program, ...args].join(' ')}`);
  const startedMs = performance.now();
  const { status, signal, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const green = status === 0;
  const why = green ? '' : `  ${error?.message ?? (signal === null ? `exit code ${status}` : `ended by ${signal}`)}`;
  return { name, green, line: `${green ? 'ok ' : 'RED'} ${name.padEnd(9)} ${seconds.padStart(6)} s${why}` };
}

/** Says what the tests came to, and which of them were skipped; returns the number of failures. */
function sayTotals(): number {
  const totals = readTotals(report);
  const failures = failuresOf(totals, { refuseSkips });
  for (const file of totals.brokenFiles) console.error(`could not be loaded: ${file}`);
  for (const name of totals.skippedNames) console.error(`skipped${refuseSkips ? ' (refused in CI)' : ''}: ${name}`);
  const skipped = refuseSkips || totals.skipped === 0 ? '' : `, ${totals.skipped} skipped`;
  console.log(`${totals.passed} passed, ${failures} failed${skipped}`);
  return failures;
}

function main(names: readonly string[]): number {
  const unknown = names.filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0) {
    console.error(`Expected names of checks (${checks.map(({ name }) => name).join(', ')}), got ${unknown.join(', ')}`);
    return 2;
  }
  const results: Result[] = [];
  for (const check of checks) {
    if (names.length > 0 && !names.includes(check.name)) continue;
    results.push(run(check));
    if (results.at(-1)?.green === false) break;
  }
  console.log(`\n${results.map(({ line }) => line).join('\n')}\n`);
  const red = results.find(({ green }) => !green);
  if (existsSync(report)) return sayTotals() > 0 || red !== undefined ? 1 : 0;
  if (red !== undefined) console.log(`0 passed, 1 failed (${red.name})`);
  return red === undefined ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
