import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { adviseCommand } from './advise-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'makegood-advise-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const causal = ['--sla', 'p99<80ms', '--partition', 'cp-ap-fallback', '--semantics', 'causal'];

/** With which exit status and message a call is refused. */
async function refusalOf(args: readonly string[]): Promise<readonly [status: number, message: string]> {
  const command = adviseCommand(new AbortController().signal, () => undefined).exitOverride();
  try {
    await command.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommandError) return [error.exitCode, error.message];
    throw error;
  }
  throw new Error(`Expected "${args.join(' ')}" to be refused`);
}

test('says what is wrong with what it was given, and where: exit status 2, or 3 for a file that is not there', async () => {
  const wrong: readonly (readonly [args: readonly string[], status: number, message: string])[] = [
    [['--sla', 'p99=80ms'], exitCodes.usage, 'Expected partition to be one of cp, ap, cp-ap-fallback, got undefined'],
    [[...causal, '--sla', 'p99=80ms'], exitCodes.usage, 'Expected sla to have < or <= at position 4, got "=80ms"'],
    [[...causal, '--steps', 'many'], exitCodes.usage, 'Expected steps to be an integer ≥ 1, got NaN'],
    [
      [...causal, '--peer', 'http://127.0.0.1:1/'],
      exitCodes.usage,
      'Expected --measure beside --participant and --peer',
    ],
    [[...causal, '--measure', '--samples', '0'], 2, 'Expected --samples to be an integer from 1 to 100000, got "0"'],
    [[join(folder, 'gone.yaml')], exitCodes.notFound, 'gone.yaml: ENOENT'],
    [
      [...causal, '--measure', '--samples', '2', '--participant', 'http://127.0.0.1:1/'],
      5,
      'cannot measure http://127.0.0.1:1/',
    ],
  ];
  await Promise.all(
    wrong.map(async ([args, status, message]) => {
      expect(await refusalOf(args)).toEqual([status, expect.stringContaining(message)]);
    }),
  );
  writeFileSync(join(folder, 'broken.yaml'), 'sla: [p99\n');
  expect(await refusalOf([join(folder, 'broken.yaml')])).toEqual([
    exitCodes.usage,
    expect.stringContaining('broken.yaml is neither YAML nor JSON'),
  ]);
});
