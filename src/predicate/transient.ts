import { failureKind, isTransientKind } from './failure-kind.ts';
import { type Predicate, predicate } from './predicate.ts';

/**
 * Holds for failures that may well pass when the call is made again, and for nothing else: the network (connection
 * refused, reset, lost, name not found), an end of stream in the middle, time-outs, HTTP 429, 502, 503 and 504, gRPC
 * UNAVAILABLE and DEADLINE_EXCEEDED, the SQLSTATEs of deadlock, serialization failure and a lost database, and what the
 * clients of Redis, NATS, Kafka and AWS say in the same situations.
 *
 * Aborts, other HTTP and gRPC statuses and every error it does not know are not transient. The outermost error that says
 * something decides; an error that says nothing is judged by its `cause`, an `AggregateError` by all of its errors.
 *
 * @see docs/reference/transient-errors.md for each row; transient-table.ts for its source.
 * @example
 * isTransient(new Error('could not load', { cause: { code: 'ECONNRESET' } })) // => true
 */
export const isTransient: Predicate = /* @__PURE__ */ predicate((error) => isTransientKind(failureKind(error)));
