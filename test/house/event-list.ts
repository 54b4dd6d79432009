import { isTest } from './floor-plan.ts';
import type { Breach, House } from './house.ts';
import { withoutComments } from './source-text.ts';

/** The types of events that the sources declare, `readonly type: 'retry.scheduled'`, each with the file it is in. */
export function eventTypesOf(house: House): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const [path, source] of house) {
    if (!path.startsWith('src/') || isTest(path)) continue;
    for (const match of withoutComments(source).matchAll(/\breadonly type: '(?<type>[a-z-]+\.[a-z-]+)'/g)) {
      types.set(match.groups?.['type'] as string, path);
    }
  }
  return types;
}

/** Differences between the events of the sources and the headings of docs/reference/events.md. */
export function findUnlistedEvents(house: House, page: string): Breach[] {
  const declared = eventTypesOf(house);
  const sections = page.split(/^### /m).slice(1);
  const listed = new Map(sections.map((text) => [/^`(?<type>[^`]+)`/.exec(text)?.groups?.['type'] ?? text, text]));
  const breaches: Breach[] = [];
  for (const [type, path] of declared) {
    if (!listed.has(type)) breaches.push(`docs/reference/events.md: lacks \`${type}\` (${path})`);
  }
  for (const [type, text] of listed) {
    if (!declared.has(type)) breaches.push(`docs/reference/events.md: \`${type}\` is not in the sources`);
    else if (text.split('\n').slice(1).join('').trim() === '')
      breaches.push(`docs/reference/events.md: \`${type}\` is not explained`);
  }
  return breaches;
}
