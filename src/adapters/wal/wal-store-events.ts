/** What a store or an entry log on a log of its own tells its observer, beside what the log tells. */
export type WalStoreEvent =
  /** A checkpoint of the keys could not be made; it is tried again, and costs time at the next opening. */
  | { readonly type: 'wal-store.checkpoint-failed'; readonly error: unknown }
  /** The same, of the live entries. */
  | { readonly type: 'entry-log.checkpoint-failed'; readonly error: unknown };
