import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Example, moduleOf } from './examples.ts';

// Runs every module in turn and writes what each came to; an example that leaves a timer behind does not hold it open.
const runner = `import { writeFileSync } from 'node:fs';
const outcomes = [];
const [count, patienceMs] = process.argv.slice(2).map(Number);
for (let index = 0; index < count; index++) {
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(reject, patienceMs, new Error(\`did not end within \${patienceMs} ms\`));
  });
  try {
    await Promise.race([import(\`./example-\${index}.ts\`), tooLate]);
    outcomes.push('ok');
  } catch (error) {
    outcomes.push(error instanceof Error ? \`\${error.name}: \${error.message}\` : String(error));
  } finally {
    clearTimeout(timer);
  }
}
writeFileSync('outcomes.json', JSON.stringify(outcomes));
process.exit(0);
`;

/**
 * Runs examples, all in one process of their own, in a temporary folder outside of `node_modules`, because Node strips
 * types only there.
 *
 * @param options.patienceMs how long one example may take. Default 5000.
 * @returns for each example that fails, its title, what went wrong, and the code.
 */
export function failingExamples(
  examples: readonly Example[],
  doors: ReadonlyMap<string, string>,
  { patienceMs = 5000 }: { readonly patienceMs?: number } = {},
): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-examples-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'run.ts'), runner);
    for (const [index, { code }] of examples.entries()) {
      writeFileSync(join(folder, `example-${index}.ts`), moduleOf(code, doors));
    }
    const { status, stderr } = spawnSync(process.execPath, ['run.ts', String(examples.length), String(patienceMs)], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== 0) return [`the examples' process ended with exit code ${status}:\n${stderr}`];
    const outcomes = JSON.parse(readFileSync(join(folder, 'outcomes.json'), 'utf8')) as string[];
    return examples.flatMap(({ title, code }, index) =>
      outcomes[index] === 'ok' ? [] : [`${title}: ${outcomes[index]}\n${code}`],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
