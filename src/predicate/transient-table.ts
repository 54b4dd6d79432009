import type { GrpcStatus } from './error-facts.ts';

// What the failures of the field mean, one row a code, with where it is defined. Only what may well succeed when it is
// simply tried again stands here as `transient` or `timeout`; whatever is not in these tables is not retried.
// `docs/reference/transient-errors.md` shows the same rows; a test holds the two together.

/** What a known failure means. `timeout` is transient too; `permanent` is known, and trying again would not help. */
export type FailureKind = 'transient' | 'timeout' | 'abort' | 'permanent';

/** By the error's `code`. */
export const kindByCode: Readonly<Record<string, FailureKind>> = {
  // Node.js "Common system errors" (libuv names of POSIX errno): the connection was not made or was lost.
  ECONNREFUSED: 'transient',
  ECONNRESET: 'transient', // also Node's "socket hang up": the peer closed before an answer (EOF)
  ECONNABORTED: 'transient', // axios gives this to its time-outs as well
  EPIPE: 'transient',
  ENETDOWN: 'transient',
  ENETRESET: 'transient',
  ENETUNREACH: 'transient',
  EHOSTDOWN: 'transient',
  EHOSTUNREACH: 'transient',
  EADDRNOTAVAIL: 'transient', // no free port to leave from: passes when connections in TIME_WAIT end
  EOF: 'transient', // libuv UV_EOF: end of stream in the middle of something
  ETIMEDOUT: 'timeout',
  // Node.js dns, "Error codes", and getaddrinfo(3): the name could not be looked up now.
  ENOTFOUND: 'transient',
  EAI_AGAIN: 'transient',
  ESERVFAIL: 'transient',
  ETIMEOUT: 'timeout',
  // Node.js "Node.js error codes".
  ERR_STREAM_PREMATURE_CLOSE: 'transient', // end of stream before the end of the message
  ERR_HTTP2_GOAWAY_SESSION: 'transient', // the server is closing this connection; a new one may do
  ERR_SOCKET_CONNECTION_TIMEOUT: 'timeout',
  ABORT_ERR: 'abort',
  // undici (Node's fetch), docs/api/Errors.md.
  UND_ERR_SOCKET: 'transient',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'abort',
  // axios, README "Error types": a cancelled request.
  ERR_CANCELED: 'abort',
  // mysql2 and mysql: the server closed the connection.
  PROTOCOL_CONNECTION_LOST: 'transient',
  // makegood: a deadline or an attempt's time-out has passed; a call to a participant did not get there, or its answer
  // did not get here. Every other code of makegood is permanent.
  MAKEGOOD_DEADLINE_EXCEEDED: 'timeout',
  MAKEGOOD_CALL_TIMED_OUT: 'timeout',
  MAKEGOOD_CALL_NOT_SENT: 'transient',
  MAKEGOOD_CALL_BROKEN: 'transient',
};

/** By the error's `name`. */
export const kindByName: Readonly<Record<string, FailureKind>> = {
  TimeoutError: 'timeout', // Web IDL "DOMException names": what AbortSignal.timeout() aborts with; NATS, AWS SDK
  AbortError: 'abort', // Web IDL "DOMException names"
  CanceledError: 'abort', // axios
  // NATS, "Request-Reply": nobody subscribes to the subject now, so nobody was asked.
  NoResponders: 'transient',
  // kafkajs, src/errors.js.
  KafkaJSRequestTimeoutError: 'timeout',
  // AWS SDK, @smithy/core "service-error-classification": throttling, whatever the HTTP status. Without its
  // LimitExceededException, which several services answer when a quota is used up for good.
  BandwidthLimitExceeded: 'transient',
  EC2ThrottledException: 'transient',
  PriorRequestNotComplete: 'transient',
  ProvisionedThroughputExceededException: 'transient',
  RequestLimitExceeded: 'transient',
  RequestThrottled: 'transient',
  RequestThrottledException: 'transient',
  SlowDown: 'transient',
  ThrottledException: 'transient',
  Throttling: 'transient',
  ThrottlingException: 'transient',
  TooManyRequestsException: 'transient',
  TransactionInProgressException: 'transient',
  RequestTimeout: 'timeout',
  RequestTimeoutException: 'timeout',
};

/** A library's own word on its error: `property` is true or false on errors whose `where` begins with `prefix`. */
export interface Verdict {
  readonly property: string;
  readonly where: 'name' | 'code';
  readonly prefix: string;
}

/** Whose word is taken for it, either way. */
export const verdicts: readonly Verdict[] = [
  { property: 'retriable', where: 'name', prefix: 'KafkaJS' }, // kafkajs, "Retry" and src/errors.js
  { property: 'canRetry', where: 'code', prefix: 'PLT_KFK_' }, // @platformatic/kafka, src/errors.ts
];

/** Errors that only say that their library has given up retrying, so that their cause decides. */
export const namesJudgedByCause: readonly string[] = ['KafkaJSNumberOfRetriesExceeded'];

/** HTTP statuses worth a retry; any other from 400 on is permanent. */
export const transientStatuses: readonly number[] = [
  429, // RFC 6585 §4 Too Many Requests
  502, // RFC 9110 §15.6.3 Bad Gateway
  503, // RFC 9110 §15.6.4 Service Unavailable
  504, // RFC 9110 §15.6.5 Gateway Timeout
];

/** gRPC statuses that are not permanent (gRPC "Status codes and their use in gRPC"). */
export const kindByGrpcStatus: Readonly<Partial<Record<GrpcStatus, FailureKind>>> = {
  CANCELLED: 'abort',
  DEADLINE_EXCEEDED: 'timeout',
  UNAVAILABLE: 'transient',
};

/** SQLSTATEs worth a retry; any other is permanent. ISO 9075 and PostgreSQL, Appendix A "Error Codes". */
export const transientSqlStates: readonly string[] = [
  '40001', // serialization_failure: "Serialization Failure Handling" tells to run the transaction again
  '40P01', // deadlock_detected: the same chapter
  '55P03', // lock_not_available
  '08000', // connection_exception
  '08001', // sqlclient_unable_to_establish_sqlconnection
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  '08007', // transaction_resolution_unknown: as after any lost answer, the retry needs an idempotency key
  '53300', // too_many_connections
  '57P01', // admin_shutdown: a restart or failover
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up
  '57P05', // idle_session_timeout: the server closed a connection that nobody used
];

/** By the whole text of the message, for libraries that give their errors neither a code nor a name. */
export const kindByMessage: Readonly<Record<string, FailureKind>> = {
  // pg, lib/client.js; pg-pool, index.js.
  'Connection terminated unexpectedly': 'transient',
  'Client has encountered a connection error and is not queryable': 'transient', // a pool gives another client
  'Connection terminated due to connection timeout': 'timeout',
  'timeout expired': 'timeout',
  'timeout exceeded when trying to connect': 'timeout',
  'Query read timeout': 'timeout',
  // @redis/client, lib/errors.ts.
  'Socket closed unexpectedly': 'transient',
  'The client is offline': 'transient', // it is connecting again
  'Connection timeout': 'timeout',
  // Node.js http2; RFC 9113 §8.7: a refused stream was not processed.
  'Stream closed with error code NGHTTP2_REFUSED_STREAM': 'transient',
};

/**
 * By the first word of a reply of Redis, which is its kind of error (Redis serialization protocol specification, "Simple
 * errors").
 */
export const transientReplies: readonly string[] = [
  'BUSY', // a script runs for too long
  'CLUSTERDOWN',
  'LOADING', // starting: the data is read into memory
  'MASTERDOWN', // a replica without its master
  'READONLY', // a replica that was a master a moment ago: failover
  'TRYAGAIN', // a slot of the cluster is being moved
];

/**
 * What browsers say in the `TypeError` of a fetch that got no answer, or no end of one. They give neither code nor cause
 * (whatwg/fetch issue 526), so the text decides.
 */
export const fetchFailureMessages: readonly string[] = [
  'Failed to fetch', // Chromium
  'network error', // Chromium, in the middle of a body
  'NetworkError when attempting to fetch resource.', // Firefox
  'Load failed', // Safari
  'The Internet connection appears to be offline.', // Safari
  'Network request failed', // React Native
];
