import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  fetchFailureMessages,
  kindByCode,
  kindByGrpcStatus,
  kindByName,
  transientSqlStates,
  transientStatuses,
} from './transient-table.ts';

const guide = readFileSync(new URL('../../docs/guides/errors.md', import.meta.url), 'utf8');
const lines = guide.split('\n');

/** What stands between backquotes in the second cell of the table rows of the guide that hold all these words. */
function termsOfRow(...words: readonly string[]): string[] {
  const rows = lines.filter((line) => line.startsWith('|') && words.every((word) => line.includes(word)));
  return rows.flatMap((row) => [...(row.split('|')[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, term = '']) => term));
}

const byKind = (table: Readonly<Record<string, string>>, kind: string): string[] =>
  Object.keys(table).filter((key) => table[key] === kind);

test('the guide lists every code and name of the table under its kind, and no other', () => {
  const transientTerms = [
    ...termsOfRow('connection was refused'),
    ...termsOfRow('end came'),
    ...termsOfRow('name was not found'),
  ];
  expect(transientTerms.sort()).toEqual(byKind(kindByCode, 'transient').sort());
  const timeouts = [...byKind(kindByCode, 'timeout'), ...byKind(kindByName, 'timeout')];
  expect(termsOfRow('ended by the clock').sort()).toEqual(timeouts.sort());
  const aborts = [...byKind(kindByCode, 'abort'), ...byKind(kindByName, 'abort'), ...byKind(kindByGrpcStatus, 'abort')];
  expect(termsOfRow('you cancelled').sort()).toEqual(aborts.sort());
});

test('the guide lists every status, SQLSTATE and message of the table, and no other', () => {
  expect(lines.filter((line) => line.includes(`| HTTP ${transientStatuses.join(', ')} |`))).toHaveLength(1);
  expect(termsOfRow('by gRPC')).toEqual(
    expect.arrayContaining([...byKind(kindByGrpcStatus, 'transient'), ...byKind(kindByGrpcStatus, 'timeout')]),
  );
  const states = [...termsOfRow('transaction lost'), ...termsOfRow('database is away')];
  expect(states.sort()).toEqual([...transientSqlStates].sort());
  expect(termsOfRow("browser's fetch")).toEqual(['TypeError', ...fetchFailureMessages]);
});
