import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as table from './transient-table.ts';

const page = readFileSync(new URL('../../docs/reference/transient-errors.md', import.meta.url), 'utf8');

/** What the table under a heading says, by the term in its first cell; several tables may stand under one. */
function rowsUnder(heading: string, head: string): Record<string, string> {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows =
    section
      .slice(section.indexOf(`| ${head} |`))
      .split('\n\n')[0]
      ?.split('\n')
      .slice(2) ?? [];
  return Object.fromEntries(
    rows
      .filter((row) => row.startsWith('|'))
      .map((row) =>
        row
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', ''))
          .slice(1, 3),
      ),
  ) as Record<string, string>;
}

const allTransient = (terms: readonly (string | number)[]): Record<string, string> =>
  Object.fromEntries(terms.map((term) => [term, 'transient']));

test.each([
  ['By name', '`name`', table.kindByName],
  ['By code', '`code`', table.kindByCode],
  ['By HTTP status', 'Status', allTransient(table.transientStatuses)],
  ['By gRPC status', 'Status', table.kindByGrpcStatus],
  ['By SQLSTATE', 'SQLSTATE', allTransient(table.transientSqlStates)],
  ['By text', 'Message', table.kindByMessage],
  ['By text', 'First word', allTransient(table.transientReplies)],
  ['By text', 'Message of a `TypeError`', allTransient(table.fetchFailureMessages)],
])('the page lists each row %s (%s) with its kind, and no other', (heading, head, rows) => {
  expect(Object.keys(rows).length).toBeGreaterThan(2);
  expect(rowsUnder(heading, head)).toEqual(rows);
});

test('the page lists whose verdict is taken, and which names leave it to their cause', () => {
  const rows = table.verdicts.map(
    ({ property, where, prefix }) =>
      `| \`${property}\` | \`${where}\` begins with \`${prefix}\` | transient | permanent |`,
  );
  for (const row of rows) expect(page).toContain(row);
  expect(page.match(/` begins with `/g)).toHaveLength(rows.length);
  for (const name of table.namesJudgedByCause) expect(page).toContain(`An error named\n\`${name}\``);
});
