import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rules } from '../../../src/advisor/index.ts';
import { projectRoot } from '../../house/house.ts';

const page = readFileSync(join(projectRoot, 'docs/guides/advisor.md'), 'utf8');
const example = readFileSync(join(projectRoot, 'examples/advisor.ts'), 'utf8');

test('the table of worked cases has what the example prints, which is run: payment, stock, coupon, ledger, feed', () => {
  const printed = [
    ...example.matchAll(
      /\/\/ prints: (?<name>\w+) (?<rule>\S+) (?<mode>\S+) (?<leaf>\S+) (?<back>\S+) (?<needed>\d+) of (?<limit>\d+) ms$/gm,
    ),
  ];
  expect(printed.map(({ groups }) => groups?.['name'])).toEqual(['payment', 'stock', 'coupon', 'ledger', 'feed']);
  for (const { groups } of printed) {
    const { name, mode, needed, limit } = groups as Record<string, string>;
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`));
    expect(row).toContain(`| ${mode}`);
    expect(row).toContain(`${needed} of ${Number(limit).toLocaleString('en')} ms |`);
  }
});

test('every row of the table has a reason and a source, and an id of its own', () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  for (const { reason, source } of rules) {
    expect(reason.length).toBeGreaterThan(20);
    expect(source.length).toBeGreaterThan(10);
  }
});
