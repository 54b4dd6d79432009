import { pathToFileURL } from 'node:url';
import type { Declaration } from './declarations.ts';
import { codeOnly } from './source-text.ts';

/** An `@example` of a docstring. */
export interface Example {
  /** Where it stands, for people: `src/retry/retry.ts retry #1`. */
  readonly title: string;
  readonly code: string;
  /** False when it is marked ```` ```ts no-run ````: it needs a world that a test has not. */
  readonly runs: boolean;
}

/** The examples in a declaration's docstring. */
export function examplesOf({ doc, file, name }: Pick<Declaration, 'doc' | 'file' | 'name'>): Example[] {
  const blocks = doc.split(/^@/m).filter((block) => /^example\b/.test(block));
  return blocks.map((block, index) => {
    const text = block.slice('example'.length).trim();
    const fence = /^```(?:ts)?(?<mark>[^\n]*)\n(?<code>[^]*?)\n```/m.exec(text)?.groups;
    return {
      title: `${file} ${name} #${index + 1}`,
      code: fence?.['code'] ?? text,
      runs: fence?.['mark']?.trim() !== 'no-run',
    };
  });
}

/**
 * A module that runs an example and holds it to its word: `expression // => value` becomes an assertion, an awaited
 * expression may stay without `await`, and `const x = … // => value` is both. Names of doors are imported from there.
 *
 * @param code the example.
 * @param doors the file of the door (an absolute path) by each name it lists.
 */
export function moduleOf(code: string, doors: ReadonlyMap<string, string>): string {
  const words = new Set(codeOnly(code).match(/(?<![.\w$])[A-Za-z_$][\w$]*/g));
  const declared = new Set(
    [...codeOnly(code).matchAll(/\b(?:const|let|function|class)\s+([\w$]+)/g)].map(([, name]) => name),
  );
  const imports = [...doors]
    .filter(([name]) => words.has(name) && !declared.has(name))
    .map(([name, door]) => `import { ${name} } from '${pathToFileURL(door).href}';`);
  const head = `import { deepStrictEqual as expectEqual } from 'node:assert/strict';`;
  return `${[head, ...imports, '', ...statementsOf(code)].join('\n')}\n`;
}

function statementsOf(code: string): string[] {
  const out: string[] = [];
  let statement: string[] = [];
  const blanked = codeOnly(code).split('\n');
  for (const [index, line] of code.split('\n').entries()) {
    const codeHere = (blanked[index] ?? '').trimEnd();
    const expected = /^\s*\/\/ =>\s*(?<value>.+)$/.exec(line.slice(codeHere.length))?.groups?.['value'];
    if (expected !== undefined) {
      out.push(...assertion([...statement, line.slice(0, codeHere.length)].join('\n'), expected));
      statement = [];
      continue;
    }
    statement.push(line);
    if (/[;}]$/.test(codeHere) || codeHere.trim() === '') {
      out.push(...statement);
      statement = [];
    }
  }
  return [...out, ...statement];
}

function assertion(statement: string, expected: string): string[] {
  const declared = /^\s*(?:const|let|await using|using)\s+(?<name>[\w$]+)\b/.exec(statement)?.groups?.['name'];
  const actual = declared ?? `(${statement.trim().replace(/;$/, '')}\n)`;
  const check = `expectEqual(await ${actual}, (${expected.replace(/;$/, '')}));`;
  return declared === undefined ? [check] : [statement, check];
}
