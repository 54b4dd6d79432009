import { fact, grpcStatusOf, httpStatusOf, sqlStateOf } from './error-facts.ts';
import {
  type FailureKind,
  fetchFailureMessages,
  kindByCode,
  kindByGrpcStatus,
  kindByMessage,
  kindByName,
  namesJudgedByCause,
  transientReplies,
  transientSqlStates,
  transientStatuses,
  verdicts,
} from './transient-table.ts';

// More errors than a chain of causes has in earnest, and few enough that a hostile one costs nothing.
const maxErrors = 1000;

/**
 * What kind of failure an error is, as far as the tables know; `undefined` when they do not.
 *
 * The outermost error that says something decides: a 404 caused by a time-out is a 404. An error that says nothing, such
 * as fetch's `TypeError: fetch failed`, is what its cause is. An aggregate is what all of its errors are.
 *
 * @param known what was found of the errors on the way, so that circles end and each error is asked once.
 */
export function failureKind(
  error: unknown,
  known: Map<object, FailureKind | undefined> = new Map(),
): FailureKind | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (known.has(error) || known.size >= maxErrors) return known.get(error);
  known.set(error, undefined);
  const kind = ownKind(error, known) ?? innerKind(error, known);
  known.set(error, kind);
  return kind;
}

function ownKind(error: object, known: Map<object, FailureKind | undefined>): FailureKind | undefined {
  const name = fact(error, 'name');
  const code = fact(error, 'code');
  const kind =
    lookUp(kindByName, name) ?? verdictOn(error) ?? kindByStatus(httpStatusOf(error)) ?? lookUp(kindByCode, code);
  // Node's own functions wrap a signal's reason: AbortError, cause TimeoutError. That is a time-out, not a cancel.
  if (kind === 'abort') return failureKind(fact(error, 'cause'), known) === 'timeout' ? 'timeout' : 'abort';
  if (kind !== undefined) return kind;
  if (typeof code === 'string' && code.startsWith('MAKEGOOD_')) return 'permanent';
  const grpcStatus = grpcStatusOf(error);
  if (grpcStatus !== undefined) return kindByGrpcStatus[grpcStatus] ?? 'permanent';
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return transientSqlStates.includes(sqlState) ? 'transient' : 'permanent';
  return kindByText(error);
}

/** What the library that made an error says of it itself. */
function verdictOn(error: object): FailureKind | undefined {
  if (namesJudgedByCause.includes(fact(error, 'name') as string)) return undefined;
  for (const { property, where, prefix } of verdicts) {
    const owner = fact(error, where);
    const verdict = typeof owner === 'string' && owner.startsWith(prefix) ? fact(error, property) : undefined;
    if (typeof verdict === 'boolean') return verdict ? 'transient' : 'permanent';
  }
  // The AWS SDK has the trait of its model there, an object, and nothing on other errors.
  return typeof fact(error, '$retryable') === 'object' && fact(error, '$retryable') !== null ? 'transient' : undefined;
}

/** The last resort: what an error without code and name says, word for word. */
function kindByText(error: object): FailureKind | undefined {
  const message = fact(error, 'message');
  if (typeof message !== 'string') return undefined;
  if (fact(error, 'name') === 'TypeError') return fetchFailureMessages.includes(message) ? 'transient' : undefined;
  const isReply = fact(error, 'code') === undefined && transientReplies.some((word) => message.startsWith(`${word} `));
  return isReply ? 'transient' : lookUp(kindByMessage, message);
}

function lookUp(table: Readonly<Record<string, FailureKind>>, key: unknown): FailureKind | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}

function kindByStatus(status: number | undefined): FailureKind | undefined {
  if (status === undefined || status < 400) return undefined;
  return transientStatuses.includes(status) ? 'transient' : 'permanent';
}

function innerKind(error: object, known: Map<object, FailureKind | undefined>): FailureKind | undefined {
  const errors = fact(error, 'errors');
  if (!Array.isArray(errors) || errors.length === 0) return failureKind(fact(error, 'cause'), known);
  let common: FailureKind | undefined;
  for (const inner of errors as readonly unknown[]) {
    const kind = failureKind(inner, known);
    common = common === undefined || common === kind ? kind : bothKinds(common, kind);
    if (common === undefined) return undefined;
  }
  return common;
}

// A time-out beside another transient failure is transient; a mixture of anything else says nothing.
function bothKinds(one: FailureKind, other: FailureKind | undefined): FailureKind | undefined {
  return isTransientKind(one) && isTransientKind(other) ? 'transient' : undefined;
}

/** Whether a failure of this kind may pass when the call is made again. */
export function isTransientKind(kind: FailureKind | undefined): boolean {
  return kind === 'transient' || kind === 'timeout';
}
