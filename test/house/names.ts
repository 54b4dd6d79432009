import type { Breach, House } from './house.ts';
import { codeOnly, commentsOnly, lineOf } from './source-text.ts';

const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|test-d|d))?\.(?:ts|js)$/;
const meaningless = /^(?:utils?|helpers?|common|misc|shared|types|interfaces?|constants|lib)$/;
const longestFile = 320;

/** Files whose name breaks kebab-case or says nothing, and files too long to be about one thing. */
export function findUnfitFiles(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, source] of house) {
    const parts = path.split('/');
    const file = parts.at(-1) ?? '';
    if (!kebabCase.test(file)) breaches.push(`${path}: a file is named in kebab-case`);
    // Outside of src/ a folder may be named for the kind of tests in it: test/types holds tests of types.
    const folders = parts[0] === 'src' ? parts.slice(1, -1) : [];
    for (const part of [...folders, file.split('.')[0] ?? '']) {
      if (meaningless.test(part)) breaches.push(`${path}: "${part}" says nothing about what is in it`);
    }
    const lines = source.trimEnd().split('\n').length;
    if (lines > longestFile) breaches.push(`${path}: has ${lines} lines, over ${longestFile}; split it by idea`);
  }
  return breaches;
}

interface SoftSpot {
  readonly pattern: RegExp;
  readonly where: 'code' | 'comments';
  readonly what: string;
}

const softSpots: readonly SoftSpot[] = [
  { where: 'comments', pattern: /\b(?:TODO|FIXME|XXX)\b/g, what: 'finish it, or leave it out' },
  { where: 'comments', pattern: /@ts-ignore|@ts-nocheck/g, what: 'say in types what is meant' },
  {
    where: 'comments',
    pattern: /(?<!\/\/ [^@\n]+\n[ \t]*\/\/ )@ts-expect-error(?![ \t:—-]*[^\s:—-]+[ \t]+\S)/g,
    what: 'say beside it why the compiler must refuse this',
  },
  {
    where: 'comments',
    pattern: /(?<!\/\/ [^\n]+\n[ \t]*\/\/ )(?:oxlint|eslint)-disable(?![^\n]*\s--\s*\S)|biome-ignore(?![^\n]*:\s*\S)/g,
    what: 'say beside it why (`-- because …`)',
  },
  {
    where: 'code',
    pattern: /\b(?:test|it|describe|suite)\s*\.\s*(?:only|skip|todo|fails)\b/g,
    what: 'let every test run',
  },
  {
    where: 'code',
    pattern: /\bas\s+any\b|(?<=[\w)\]?]\s*:\s*)any\b(?=\s*[,;)=\]|&>{])|<any>/g,
    what: 'name the type, or take unknown',
  },
  { where: 'code', pattern: /(?<![.\w$])debugger\b/g, what: 'take it out' },
];

/** Unfinished or switched-off spots: reminders, hushed compilers and linters without a reason, tests that do not run. */
export function findSoftSpots(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, source] of house) {
    const texts = { code: codeOnly(source), comments: commentsOnly(source) };
    for (const { pattern, where, what } of softSpots) {
      for (const { index, 0: found } of texts[where].matchAll(pattern)) {
        breaches.push(`${path}:${lineOf(source, index)}: ${found}: ${what}`);
      }
    }
  }
  return breaches;
}

// The folders a build machine keeps work in; a path into one holds on that machine only.
const machinePath = /(?<![\w.$}/])\/(?:home|root|work|Users)\/[\w.-]+/g;

/** Paths of one machine, in any text of the repository. */
export function findMachinePaths(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, source] of house) {
    for (const { index, 0: found } of source.matchAll(machinePath)) {
      breaches.push(`${path}:${lineOf(source, index)}: ${found}: a path of one machine`);
    }
  }
  return breaches;
}
