import { isTest } from './floor-plan.ts';
import type { Breach, House } from './house.ts';
import { withoutComments } from './source-text.ts';

const codeInQuotes = /['"`](?<code>MAKEGOOD_[A-Z][A-Z_]*)['"`]/g;

/** Every error code that the sources give or ask for, with the first file that names it. */
function errorCodesOf(house: House): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  for (const [path, source] of house) {
    if (isTest(path)) continue;
    for (const match of withoutComments(source).matchAll(codeInQuotes)) {
      const code = match.groups?.['code'] ?? '';
      if (!codes.has(code)) codes.set(code, path);
    }
  }
  return codes;
}

/**
 * Differences between the codes in the sources and the page that lists them: each code has a heading of its own, and
 * under it what it means and what to do, in order of the alphabet.
 */
export function findUnlistedErrors(house: House, page: string): Breach[] {
  const breaches: Breach[] = [];
  const codes = errorCodesOf(house);
  const sections = new Map<string, string>();
  for (const section of page.split(/^## /m).slice(1)) {
    const heading = (section.split('\n')[0] ?? '').replaceAll('`', '').trim();
    if (heading.startsWith('MAKEGOOD_')) sections.set(heading, section);
  }
  for (const [code, path] of codes) {
    const section = sections.get(code);
    if (section === undefined) breaches.push(`${code} (${path}) is not listed`);
    else {
      for (const part of ['**Meaning.** ', '**What to do.** ']) {
        if (!section.includes(part)) breaches.push(`${code} lacks "${part.trim()}"`);
      }
    }
  }
  for (const code of sections.keys()) if (!codes.has(code)) breaches.push(`${code} is listed but not in the sources`);
  const listed = [...sections.keys()];
  if (listed.join() !== listed.toSorted().join()) breaches.push('the codes are not in order of the alphabet');
  return breaches;
}
