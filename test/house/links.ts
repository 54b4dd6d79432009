import { posix } from 'node:path';
import type { Breach, House } from './house.ts';

const link = /(?<!\\)\]\((?<target>[^)\s]+)(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(?<reference>\S+)/gm;

/**
 * Links between the pages that lead nowhere: to a file or folder that is not there, or to a heading that its page lacks.
 *
 * @param pages the pages, by path.
 * @param exists whether there is a file or folder at a path from the root.
 */
export function findBrokenLinks(pages: House, exists: (path: string) => boolean): Breach[] {
  const breaches: Breach[] = [];
  for (const [page, text] of pages) {
    const prose = blankCode(text);
    for (const match of prose.matchAll(link)) {
      const target = match.groups?.['target'] ?? match.groups?.['reference'] ?? '';
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', heading] = target.split('#');
      const file = path === '' ? page : posix.normalize(posix.join(posix.dirname(page), path));
      const line = prose.slice(0, match.index).split('\n').length;
      if (!exists(file)) breaches.push(`${page}:${line}: ${target} leads to ${file}, which does not exist`);
      else if (heading !== undefined && pages.has(file) && !headingsOf(pages.get(file) ?? '').has(heading)) {
        breaches.push(`${page}:${line}: ${target} leads to a heading that ${file} has not`);
      }
    }
  }
  return breaches;
}

/** The anchors of a page's headings as GitHub makes them; a repeated one gets `-1`, `-2`. */
export function headingsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(page).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{Letter}\p{Number}\p{Mark}_ -]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let copy = 1; anchors.has(unique); copy++) unique = `${anchor}-${copy}`;
    anchors.add(unique);
  }
  return anchors;
}

function blankCode(page: string): string {
  return withoutFences(page).replaceAll(/`[^`\n]*`/g, (span) => ' '.repeat(span.length));
}

function withoutFences(page: string): string {
  return page.replaceAll(/^\s*(`{3,})[^]*?^\s*\1\s*$/gm, (block) => block.replaceAll(/[^\n]/g, ' '));
}
