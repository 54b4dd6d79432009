/** A failed attempt, as a call remembers it: a link to the one before it. */
export class FailedAttemptRecord {
  readonly error: unknown;
  readonly previous: FailedAttemptRecord | undefined;
  /** How many there are up to here, those forgotten not counted. */
  readonly length: number;
  /** The wait that followed, in ms; `undefined` while none has. */
  delayMs: number | undefined = undefined;

  constructor(error: unknown, previous: FailedAttemptRecord | undefined) {
    // Enough to see what happened; a call with a million attempts must not keep a million errors.
    const kept = previous !== undefined && previous.length === 2 * longestHistory - 1 ? latest(previous) : previous;
    this.error = error;
    this.previous = kept;
    this.length = kept === undefined ? 1 : kept.length + 1;
  }
}

const longestHistory = 100;

/** What each attempt threw and the waits between them, in order; only the last 100 of each. */
export function readHistory(last: FailedAttemptRecord | undefined): {
  readonly errors: readonly unknown[];
  readonly delaysMs: readonly number[];
} {
  const records = chain(last, longestHistory);
  // The wait before the oldest attempt that is shown is one of the last 100 as well, if the last attempt had none.
  const waits = last?.delayMs === undefined ? chain(last, longestHistory + 1) : records;
  const delaysMs = waits.map(({ delayMs }) => delayMs).filter((delayMs) => delayMs !== undefined);
  return { errors: records.map(({ error }) => error), delaysMs };
}

/** Up to `most` records, the oldest first. */
function chain(last: FailedAttemptRecord | undefined, most: number): readonly FailedAttemptRecord[] {
  const records: FailedAttemptRecord[] = [];
  for (let record = last; record !== undefined && records.length < most; record = record.previous) records.push(record);
  return records.toReversed();
}

/** A copy of the latest records that does not lead to those before them. */
function latest(last: FailedAttemptRecord): FailedAttemptRecord | undefined {
  let copy: FailedAttemptRecord | undefined;
  for (const { error, delayMs } of chain(last, longestHistory)) {
    copy = new FailedAttemptRecord(error, copy);
    copy.delayMs = delayMs;
  }
  return copy;
}
