/** What {@link idempotency} tells its observer. */
export type IdempotencyEvent =
  /** A caller was given the stored result. */
  | { readonly type: 'idempotency.replayed'; readonly key: string }
  /** A run's lease ended before its result was stored; another may run now. */
  | { readonly type: 'idempotency.lease-lost'; readonly key: string; readonly token: number }
  /** A run failed and its key could not be freed; the end of the lease will free it. */
  | { readonly type: 'idempotency.release-failed'; readonly key: string; readonly error: unknown };
