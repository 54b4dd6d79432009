import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { doorsOf, namesOf, subpathOf } from './doors.ts';
import { type House, readHouse } from './house.ts';
import { withoutComments } from './source-text.ts';

/** The declarations that the compiler writes for `src/`, under the paths of their sources. */
export function emitDeclarations(root: string): House {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-api-'));
  try {
    const args = [
      '-p',
      'tsconfig.build.json',
      '--emitDeclarationOnly',
      '--declarationMap',
      'false',
      '--outDir',
      folder,
    ];
    const { error } = spawnSync('tsc', args, { cwd: root, encoding: 'utf8' });
    if (error !== undefined) throw error;
    const emitted = [...readHouse(folder, ['.'], /\.d\.ts$/)];
    return new Map(emitted.map(([path, text]) => [`src/${path.replace(/\.d\.ts$/, '.ts')}`, text]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Everything users can name, as text: for each door its names in order of the alphabet, each with its kind and signature,
 * members of classes and interfaces on lines of their own. A name that another door lists too is shown once, where its
 * room is.
 */
export function listPublicApi(declarations: House): string {
  const sections: string[] = [];
  const doors = doorsOf(declarations).map((door) => [subpathOf(door), door] as const);
  for (const [subpath, door] of doors.toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    const lines = namesOf(door, declarations.get(door) ?? '').map(({ name, declaredAs, file }) => {
      const home = homeOf(file, declaredAs, declarations);
      if (home !== undefined && home !== subpath) return `${name}: see ${specifierOf(home)}`;
      return signatureIn(declarations.get(file) ?? '', declaredAs, name);
    });
    const sorted = lines.toSorted((left, right) => (wordsOf(left) < wordsOf(right) ? -1 : 1));
    sections.push([specifierOf(subpath), ...sorted.map((line) => `  ${line}`)].join('\n'));
  }
  return `${sections.join('\n\n')}\n`;
}

/** Where a name is shown: at the door of the room it lies in, or else at the first door of another room that lists it. */
function homeOf(file: string, declaredAs: string, declarations: House): string | undefined {
  const own = `${posix.dirname(file)}/index.ts`;
  const others = doorsOf(declarations).filter((door) => door !== own && door !== 'src/index.ts');
  const home = [own, ...others].find((door) =>
    namesOf(door, declarations.get(door) ?? '').some((it) => it.file === file && it.declaredAs === declaredAs),
  );
  return home === undefined ? undefined : subpathOf(home);
}

function specifierOf(subpath: string): string {
  return `makegood${subpath.slice(1)}`;
}

function wordsOf(line: string): string {
  return line.replace(/^(?:function|class|const|interface|type) /, '').toLowerCase();
}

/** Every statement of a declaration file that declares the name; overloads one after the other. */
function signatureIn(text: string, declaredAs: string, name: string): string {
  const kind = String.raw`(?:abstract\s+)?(?:function|class|const|interface|type)`;
  const start = new RegExp(String.raw`^export\s+(?:declare\s+)?(?=${kind}\s+${declaredAs}(?![\w$]))`);
  const found = statementsOf(text).filter((statement) => start.test(statement));
  if (found.length === 0) return `${name}: not declared`;
  const shown = found.map((statement) => statement.replace(start, ''));
  const renamed = name === declaredAs ? '' : `${name}: `;
  return renamed + shown.join(' & ');
}

/**
 * The top-level statements of a declaration file, without comments and private members. The compiler indents all that is
 * inside a statement, so a word at the margin begins the next one, and four spaces begin a member.
 */
function statementsOf(text: string): string[] {
  const statements: string[] = [];
  for (const line of withoutComments(text).split('\n')) {
    if (line.trim() === '' || /^\s*(?:private\b|#private)/.test(line)) continue;
    if (/^\w/.test(line)) {
      statements.push(line);
      continue;
    }
    const open = statements.pop() ?? '';
    const isMember = /^ {4}[^\s})\]]/.test(line) && /^export\s[\w\s]*\b(?:interface|class)\b/.test(open);
    statements.push(`${open}${isMember ? '\n    ' : ' '}${line.trim()}`);
  }
  return statements.map((statement) =>
    statement
      .replaceAll(/(?<=\S)[ \t]+/g, ' ')
      .replace(/ \{\n([^]*?)\s*\}$/, '\n$1')
      .replaceAll(/;(?=\n|$)/g, '')
      .trim(),
  );
}
