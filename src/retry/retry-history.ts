/** A failed attempt, as a call remembers it: a link to the one before it. */
export interface FailedAttemptRecord {
  readonly error: unknown;
  previous: FailedAttemptRecord | undefined;
  /** The wait that followed, in ms; `undefined` while none has. */
  delayMs: number | undefined;
}

/** Enough to see what happened; a call with a million attempts must not keep a million errors. */
const longestHistory = 100;

/** What is remembered when attempt `number` has failed, after what was. */
export function remember(
  error: unknown,
  number: number,
  previous: FailedAttemptRecord | undefined,
): FailedAttemptRecord {
  const last: FailedAttemptRecord = { error, previous, delayMs: undefined };
  if (number % longestHistory === 0) {
    // Now and then, so that it costs nothing: whoever asks is shown no more in any case.
    const oldest = chain(last, longestHistory + 1).at(-1);
    if (oldest !== undefined) oldest.previous = undefined;
  }
  return last;
}

/** What each attempt threw and the waits between them, in order; only the last 100 of each. */
export function readHistory(last: FailedAttemptRecord | undefined): {
  readonly errors: readonly unknown[];
  readonly delaysMs: readonly number[];
} {
  // The wait before the oldest attempt that is shown is one of the last 100 as well, if the last attempt had none.
  const records = chain(last, longestHistory + 1).toReversed();
  const delaysMs = records.map(({ delayMs }) => delayMs).filter((delayMs) => delayMs !== undefined);
  return {
    errors: records.map(({ error }) => error).slice(-longestHistory),
    delaysMs: delaysMs.slice(-longestHistory),
  };
}

/** Up to `most` records, the latest first. */
function chain(last: FailedAttemptRecord | undefined, most: number): readonly FailedAttemptRecord[] {
  const records: FailedAttemptRecord[] = [];
  for (let record = last; record !== undefined && records.length < most; record = record.previous) records.push(record);
  return records;
}
