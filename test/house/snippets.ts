import type { Breach, House } from './house.ts';

/** A fenced block of a page. */
interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** The last line with text before the block. */
  readonly before: string;
}

const code = new Set(['ts', 'typescript', 'js', 'javascript', 'tsx', 'mts']);
const origin = /^<!--\s*(?<file>[\w./-]+?)(?:#(?<region>[\w-]+))?\s*-->$/;

/**
 * Code on the pages that was not taken from a file that runs, or has grown stale: each block of TypeScript follows a
 * comment `<!-- examples/x.ts -->` or `<!-- examples/x.ts#region -->` and equals that file or region. Blocks in other
 * languages are free.
 */
export function findStaleSnippets(pages: House, sources: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [page, text] of pages) {
    for (const block of blocksOf(text)) {
      if (!code.has(block.language)) continue;
      const wrong = wrongWith(block, sources);
      if (wrong !== undefined) breaches.push(`${page}:${block.line}: ${wrong}`);
    }
  }
  return breaches;
}

function wrongWith({ before, text }: Block, sources: House): string | undefined {
  const { file, region } = origin.exec(before)?.groups ?? {};
  if (file === undefined) return 'code without an origin; put `<!-- examples/x.ts -->` before it';
  const source = sources.get(file);
  if (source === undefined) return `is taken from ${file}, which does not exist`;
  const wanted = region === undefined ? withoutMarks(source) : regionOf(source, region);
  if (wanted === undefined) return `is taken from ${file}#${region}, but there is no "// #region ${region}"`;
  if (wanted.trim() === text.trim()) return undefined;
  return `differs from ${file}${region === undefined ? '' : `#${region}`} at: ${firstDifference(text.trim(), wanted.trim())}`;
}

/** The lines between `// #region name` and its `// #endregion`, moved to the margin. */
export function regionOf(source: string, region: string): string | undefined {
  const lines = source.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  if (start === -1) return undefined;
  let depth = 1;
  let end = start + 1;
  for (; end < lines.length && depth > 0; end++) {
    if (/^\s*\/\/ #region\b/.test(lines[end] ?? '')) depth++;
    if (/^\s*\/\/ #endregion\b/.test(lines[end] ?? '')) depth--;
  }
  const inside = withoutMarks(lines.slice(start + 1, end - 1).join('\n')).split('\n');
  const indents = inside.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const margin = Math.min(...indents);
  return inside.map((line) => line.slice(margin)).join('\n');
}

function withoutMarks(source: string): string {
  return source.replaceAll(/^[ \t]*\/\/ #(?:end)?region\b[^\n]*\n?/gm, '');
}

function firstDifference(found: string, wanted: string): string {
  const wantedLines = wanted.split('\n');
  const foundLines = found.split('\n');
  const at = wantedLines.findIndex((line, index) => line.trimEnd() !== foundLines[index]?.trimEnd());
  return at === -1
    ? `${shown(foundLines[wantedLines.length])}, which it has not`
    : `expected ${shown(wantedLines[at])}`;
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing more' : JSON.stringify(line);
}

/** The fenced blocks of a page. */
function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = page.split('\n');
  let before = '';
  for (let at = 0; at < lines.length; at++) {
    const fence = /^\s*(?<ticks>`{3,})(?<language>[\w-]*)/.exec(lines[at] ?? '')?.groups;
    if (fence === undefined) {
      if ((lines[at] ?? '').trim() !== '') before = (lines[at] ?? '').trim();
      continue;
    }
    const start = at + 1;
    do at++;
    while (at < lines.length && (lines[at] ?? '').trim() !== fence['ticks']);
    const text = lines.slice(start, at).join('\n');
    blocks.push({ language: fence['language'] ?? '', text, line: start, before });
    before = '';
  }
  return blocks;
}
