import type { Position, SagaFilter, SagaPage, SagaSummary } from './journal.ts';

/** A filter that was checked and whose cursor was read: only sagas born before a position. */
export interface ListQuery {
  readonly status: SagaFilter['status'];
  readonly name: string | undefined;
  readonly idPrefix: string | undefined;
  readonly since: number | undefined;
  readonly before: number | undefined;
  readonly limit: number;
  readonly bornBefore: Position;
}

/** A line of a list, and its place in the order of creation. */
export interface ListedSaga {
  readonly birth: Position;
  readonly summary: SagaSummary;
}

/**
 * Checks a filter. One more than its limit is asked for, which tells whether there is another page.
 *
 * @throws {RangeError} @throws {TypeError} naming the property, what was expected and what came.
 */
export function listQuery({ status, name, idPrefix, since, before, limit = 100, cursor }: SagaFilter = {}): ListQuery {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new RangeError(`Expected limit to be an integer from 1 to 1000, got ${limit}`);
  }
  if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
    throw new TypeError(`Expected cursor to be one that a list returned, got ${JSON.stringify(cursor)}`);
  }
  return {
    status,
    name,
    idPrefix,
    since,
    before,
    limit: limit + 1,
    bornBefore: cursor === undefined ? Infinity : Number(cursor),
  };
}

/** Whether a saga is one of those asked for. */
export function isListed(query: ListQuery, { id, status, name, createdAt }: SagaSummary): boolean {
  if (query.status !== undefined && status !== query.status) return false;
  if (query.name !== undefined && name !== query.name) return false;
  if (query.idPrefix !== undefined && !id.startsWith(query.idPrefix)) return false;
  if (query.since !== undefined && createdAt < query.since) return false;
  return query.before === undefined || createdAt < query.before;
}

/** A page of what was found, newest first; its cursor is the last one's birth. */
export function pageOf(query: ListQuery, found: readonly ListedSaga[]): SagaPage {
  const shown = found.slice(0, query.limit - 1);
  const items = shown.map(({ summary }) => summary);
  return found.length < query.limit ? { items } : { items, nextCursor: String(shown.at(-1)?.birth) };
}
