/**
 * What the types of a saga cost the compiler, by its number of steps, and those of advice, by the number of facts:
 * `node scripts/type-cost.ts [steps…]`. Instantiations are the same on every machine; times are not.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TypeCost {
  readonly steps: number;
  readonly instantiations: number;
  readonly checkMs: number;
}

const root = join(import.meta.dirname, '..');

/** A saga of so many steps, each built on the one before. */
function programOf(steps: number): string {
  const lines = Array.from({ length: steps }, (_, index) => {
    const before = index === 0 ? 'input.id' : `results.s${index - 1}.n`;
    return `.step('s${index}', { run: ({ input, results }) => ({ n: input.id + ${before} }), compensate: ({ output }) => output?.n })`;
  });
  const head = `import { saga } from '../src/saga/saga.ts';\nexport const long = saga('long').input<{ id: number }>()`;
  return [head, ...lines, `.output(({ results }) => results.s${steps - 1}.n);\n`]
    .join('\n  ')
    .replaceAll('{ input, results }) => ({ n: input.id + input.id', '{ input }) => ({ n: input.id + input.id');
}

function figure(report: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(?<value>[\\d.]+)`, 'm').exec(report)?.groups?.['value'];
  if (found === undefined) throw new Error(`Expected "${name}" in the compiler's report:\n${report}`);
  return Number(found);
}

/** What the compiler said of a program. */
export interface Compiled {
  /** Its complaints; empty when it compiles. */
  readonly errors: string;
  readonly instantiations: number;
  readonly checkMs: number;
}

/** Compiles a program that imports the sources from `../src/`, strictly as the project does. */
export function compile(program: string): Compiled {
  const folder = mkdtempSync(join(root, '.type-cost-'));
  try {
    writeFileSync(join(folder, 'program.ts'), program);
    const config = { extends: '../tsconfig.json', compilerOptions: { noEmit: true }, include: ['program.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { stdout, status } = spawnSync(tsc, ['-p', folder, '--extendedDiagnostics'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const errors = status === 0 ? '' : stdout.slice(0, stdout.search(/^Files:/m));
    return { errors, instantiations: figure(stdout, 'Instantiations'), checkMs: figure(stdout, 'Check time') * 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles a saga of so many steps and tells what that took. */
export function typeCost(steps: number): TypeCost {
  const { errors, instantiations, checkMs } = compile(programOf(steps));
  if (errors !== '') throw new Error(`a saga of ${steps} steps does not compile:\n${errors}`);
  return { steps, instantiations, checkMs };
}

/** What advice costs. */
export interface AdviceCost {
  /** How many different facts are advised on. */
  readonly facts: number;
  readonly instantiations: number;
  readonly checkMs: number;
}

/** Compiles advice on so many different facts and tells what that took. */
export function adviceCost(facts: number): AdviceCost {
  const head = `import type { Advise } from '../src/advisor/advise-type.ts';\nexport type { Advise };`;
  const lines = Array.from({ length: facts }, (_, index) => {
    const given = `{ sla: 'p99<${index + 1}ms'; partition: 'cp'; semantics: 'causal' }`;
    return `export const a${index}: Advise<${given}>['fallback'] = 'none';`;
  });
  const { errors, instantiations, checkMs } = compile([head, ...lines, ''].join('\n'));
  if (errors !== '') throw new Error(`advice does not compile:\n${errors}`);
  return { facts, instantiations, checkMs };
}

if (import.meta.main) {
  const given = process.argv.slice(2).map(Number);
  console.table((given.length > 0 ? given : [10, 25, 50]).map(typeCost));
  console.table([0, 1, 10, 100].map(adviceCost));
}
