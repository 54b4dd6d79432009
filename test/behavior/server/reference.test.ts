import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Operation, operations } from '../../../src/wire/operations.ts';
import { problemCodes } from '../../../src/wire/problem.ts';
import { rights } from '../../../src/wire/rights.ts';

const page = readFileSync(new URL('../../../docs/reference/http.md', import.meta.url), 'utf8');
const guide = readFileSync(new URL('../../../docs/guides/server.md', import.meta.url), 'utf8');

test('the HTTP reference lists every operation with its right and summary', () => {
  for (const { method, path, right, summary } of Object.values<Operation>(operations)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${method} ${path}\``));
    expect(row, `${method} ${path}`).toContain(summary);
    expect(row).toContain(right === undefined ? '|  |' : `| \`${right}\` |`);
  }
});

test('the HTTP reference lists exactly the problems there are', () => {
  const listed = [...page.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  expect(listed).toEqual(Object.entries(problemCodes).map(([code, [status]]) => [code, status]));
});

test('the guide names every right', () => {
  for (const right of rights) expect(guide).toContain(`\`${right}\``);
});
