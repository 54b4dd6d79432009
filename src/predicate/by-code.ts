import { fact, type GrpcStatus, grpcStatuses, grpcStatusOf, sqlStateOf } from './error-facts.ts';
import { type Predicate, predicate } from './predicate.ts';

/**
 * Holds for errors whose `code` is one of these: Node's `'ECONNRESET'`, a `MAKEGOOD_…` code, a database's number.
 * Only the error itself is asked; wrap it in `causedBy` to look through causes too.
 *
 * @param codes compared exactly: `14` is not `'14'`.
 * @throws {TypeError} when a code is neither text nor number.
 * @example
 * byCode('EBUSY', 'ENFILE')(Object.assign(new Error('busy'), { code: 'EBUSY' })) // => true
 */
export function byCode(...codes: readonly (string | number)[]): Predicate {
  for (const code of codes) {
    if (typeof code !== 'string' && typeof code !== 'number') {
      throw new TypeError(`Expected an error code to be text or a number, got ${typeof code}`);
    }
  }
  return predicate((error) => codes.some((code) => code === fact(error, 'code')));
}

/**
 * Holds for errors with one of these gRPC statuses: by name in `code` or `status`, or by number in `code` when the error
 * comes from a gRPC client (it has `details` or `metadata`).
 *
 * @throws {RangeError} when a name is no gRPC status.
 * @see gRPC, "Status codes and their use in gRPC".
 * @example
 * byGrpcStatus('UNAVAILABLE')({ code: 14, details: 'no connection' }) // => true
 */
export function byGrpcStatus(...statuses: readonly GrpcStatus[]): Predicate {
  for (const status of statuses) {
    if (!grpcStatuses.includes(status)) {
      throw new RangeError(`Expected a gRPC status such as "UNAVAILABLE", got ${JSON.stringify(status)}`);
    }
  }
  return predicate((error) => {
    const status = grpcStatusOf(error);
    return status !== undefined && statuses.includes(status);
  });
}

const sqlStatePattern = /^(?:[0-9A-Z]{5}|[0-9A-Z]{1,4}\*)$/;

/**
 * Holds for errors with one of these SQLSTATEs, read from `sqlState` (mysql2) or a `code` that looks like one (pg, postgres).
 *
 * @param patterns five digits and capitals, or the beginning of some and a star: `'08*'` is the class of connection errors.
 * @throws {RangeError} when a pattern is neither.
 * @see ISO/IEC 9075 "SQLSTATE"; PostgreSQL documentation, Appendix A.
 * @example
 * bySqlState('40001', '08*')({ code: '08006' }) // => true
 */
export function bySqlState(...patterns: readonly string[]): Predicate {
  for (const pattern of patterns) {
    if (typeof pattern !== 'string' || !sqlStatePattern.test(pattern)) {
      throw new RangeError(`Expected a SQLSTATE such as "40001" or "08*", got ${JSON.stringify(pattern)}`);
    }
  }
  return predicate((error) => {
    const state = sqlStateOf(error);
    return (
      state !== undefined &&
      patterns.some((pattern) => (pattern.endsWith('*') ? state.startsWith(pattern.slice(0, -1)) : state === pattern))
    );
  });
}
