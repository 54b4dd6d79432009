import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findUnlistedErrors } from './error-list.ts';
import { floorPlan, roomOf } from './floor-plan.ts';
import { projectRoot, readHouse } from './house.ts';
import { findBrokenLinks, headingsOf } from './links.ts';
import { findStaleSnippets, regionOf } from './snippets.ts';

const pages = readHouse(projectRoot, ['.'], /^(?:docs\/.+|bench\/[^/]+|[^/]+)\.md$/);
const sources = readHouse(projectRoot, ['src', 'examples']);

test('every snippet on a page is a file or region that runs, word for word', () => {
  expect(findStaleSnippets(pages, sources)).toEqual([]);
});

test('every link between pages leads somewhere', () => {
  expect(findBrokenLinks(pages, (path) => existsSync(join(projectRoot, path)))).toEqual([]);
});

test('docs/reference/errors.md says what each error code means and what to do', () => {
  expect(findUnlistedErrors(sources, pages.get('docs/reference/errors.md') ?? '')).toEqual([]);
});

const example = `import { a } from 'makegood';
// #region outer
if (a) {
  // #region inner
  a();

  a(2);
  // #endregion
}
// #endregion
`;

test('a region is the lines between its marks, at the margin, without inner marks', () => {
  expect(regionOf(example, 'inner')).toBe('a();\n\na(2);');
  expect(regionOf(example, 'outer')).toBe('if (a) {\n  a();\n\n  a(2);\n}');
  expect(regionOf(example, 'gone')).toBeUndefined();
});

test('finds a snippet without an origin, from nowhere, and one that has grown stale', () => {
  const page = `# Page
<!-- examples/a.ts#inner -->
\`\`\`ts
a();

a(2);
\`\`\`
Words between.
\`\`\`ts
a();
\`\`\`
\`\`\`sh
free
\`\`\`
<!-- examples/gone.ts -->
\`\`\`ts
a();
\`\`\`
<!-- examples/a.ts#gone -->
\`\`\`ts
a();
\`\`\`
<!-- examples/a.ts#inner -->

\`\`\`ts
a();

a(3);
\`\`\`
<!-- examples/a.ts#inner -->
\`\`\`ts
a();

a(2);
more();
\`\`\`
`;
  expect(findStaleSnippets(new Map([['page.md', page]]), new Map([['examples/a.ts', example]]))).toEqual([
    'page.md:9: code without an origin; put `<!-- examples/x.ts -->` before it',
    'page.md:16: is taken from examples/gone.ts, which does not exist',
    'page.md:20: is taken from examples/a.ts#gone, but there is no "// #region gone"',
    'page.md:25: differs from examples/a.ts#inner at: expected "a(2);"',
    'page.md:31: differs from examples/a.ts#inner at: "more();", which it has not',
  ]);
});

test('finds links to files and headings that are not there, and none in code', () => {
  const from =
    'See [b](b.md#what-it-does), [gone](../gone.md), [c](b.md#lost) [d](#lost "title"), `[e](e.md)`.\n[f]: f.md\n';
  const links = new Map([
    ['docs/a.md', from],
    ['docs/b.md', '# B\n\n## What it `does`?\n'],
  ]);
  expect(findBrokenLinks(links, (path) => links.has(path))).toEqual([
    'docs/a.md:1: ../gone.md leads to gone.md, which does not exist',
    'docs/a.md:1: b.md#lost leads to a heading that docs/b.md has not',
    'docs/a.md:1: #lost leads to a heading that docs/a.md has not',
    'docs/a.md:2: f.md leads to docs/f.md, which does not exist',
  ]);
});

test('anchors of headings are as GitHub makes them', () => {
  const page = '# One two\n## One, two!\n### `maxAttempts` (3)\n```sh\n# no heading\n```\n';
  expect([...headingsOf(page)]).toEqual(['one-two', 'one-two-1', 'maxattempts-3']);
});

test('finds an error code that the page lacks, one too many, and a section that says too little', () => {
  const house = new Map([
    ['src/a.ts', "fail('MAKEGOOD_A'); fail('MAKEGOOD_B'); // 'MAKEGOOD_TALK'"],
    ['src/a.test.ts', "fail('MAKEGOOD_TEST')"],
  ]);
  const page = '# Errors\n## `MAKEGOOD_OLD`\n\n## `MAKEGOOD_B`\n\n**Meaning.** Bad.\n';
  expect(findUnlistedErrors(house, page)).toEqual([
    'MAKEGOOD_A (src/a.ts) is not listed',
    'MAKEGOOD_B lacks "**What to do.**"',
    'MAKEGOOD_OLD is listed but not in the sources',
    'the codes are not in order of the alphabet',
  ]);
});

test('ARCHITECTURE.md draws every room that stands on its floor', () => {
  const drawn = [...(pages.get('ARCHITECTURE.md') ?? '').matchAll(/^\| (\d+) \| `([\w.-]+)\/?` \|/gm)];
  const rooms = new Set([...sources.keys()].filter((path) => path.startsWith('src/')).map(roomOf));
  rooms.delete('index.ts');
  const standing = [...rooms].map((room) => [room, floorPlan[room]]);
  expect(Object.fromEntries(drawn.map(([, floor, room]) => [room, Number(floor)]))).toEqual(
    Object.fromEntries(standing),
  );
});
