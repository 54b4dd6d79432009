/** Reads a property of anything that was thrown; a getter or proxy that throws counts as not there. */
export function fact(error: unknown, name: string): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    return (error as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/**
 * The HTTP status an error carries: `status`, `statusCode`, those of its `response`, or `httpStatusCode` of `$metadata`, the
 * first that is one (got and undici say `statusCode`, axios and ky keep it on the response, AWS SDK in the metadata).
 */
export function httpStatusOf(error: unknown): number | undefined {
  const response = fact(error, 'response');
  const places = [
    fact(error, 'status'),
    fact(error, 'statusCode'),
    fact(response, 'status'),
    fact(response, 'statusCode'),
    fact(fact(error, '$metadata'), 'httpStatusCode'),
  ];
  return places.find(
    (value): value is number => Number.isInteger(value) && (value as number) >= 100 && (value as number) < 600,
  );
}

/** The names of the gRPC statuses in the order of their numbers, 0 to 16 (gRPC "Status codes and their use in gRPC"). */
export const grpcStatuses = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** A gRPC status by name. */
export type GrpcStatus = (typeof grpcStatuses)[number];

/**
 * The gRPC status an error carries, as a name in `code` or `status`, or as a number in `code`. A number counts only
 * beside `details` or `metadata`, which gRPC clients set: a DOMException or a MongoDB error has such small numbers too.
 */
export function grpcStatusOf(error: unknown): GrpcStatus | undefined {
  const code = fact(error, 'code');
  if (typeof code === 'number') {
    const isGrpc = typeof fact(error, 'details') === 'string' || typeof fact(error, 'metadata') === 'object';
    return isGrpc ? grpcStatuses[code] : undefined;
  }
  return grpcStatuses.find((name) => name === code || name === fact(error, 'status'));
}

const sqlStatePattern = /^[0-9A-Z]{5}$/;

/** The SQLSTATE an error carries: `sqlState` (mysql2, JDBC bridges), or a `code` of five digits and capitals (pg, postgres). */
export function sqlStateOf(error: unknown): string | undefined {
  return [fact(error, 'sqlState'), fact(error, 'code')].find(
    (value): value is string => typeof value === 'string' && sqlStatePattern.test(value),
  );
}
