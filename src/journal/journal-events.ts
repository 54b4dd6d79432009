/** What a journal tells its observer, beside what its log tells. */
export type JournalEvent =
  /** A checkpoint, or what goes with it, could not be made; it is tried again, and costs time at the next opening. */
  { readonly type: 'journal.checkpoint-failed'; readonly error: unknown };
