/** One fact that is to be kept: plain JSON, of one key. */
export interface LogEntry {
  readonly type: string;
  /** Whose fact it is: an id of at most 65,535 bytes, so that tools can look for it. */
  readonly key: string;
}

/** Who keeps facts in a log: its state is the fold of them. */
export interface EntryOwner<Entry extends LogEntry> {
  /** Makes the state what it is after one more entry. Must not throw for an entry that was appended. */
  apply(entry: Entry): void;
  /** Entries from which the present state can be made again; what is not among them may be forgotten. */
  live(): Iterable<Entry>;
}

/**
 * A log of small facts, which one owner folds.
 *
 * An implementer keeps: `append` resolves only when all its entries are durable and applied, and applies none of them
 * when it rejects; entries are applied in the order in which they were appended, live and after a restart alike.
 */
export interface EntryLog<Entry extends LogEntry> {
  /** Applies everything that is kept, and takes entries from then on. To be called once. */
  recover(owner: EntryOwner<Entry>): Promise<void>;
  /** Keeps all of these or none. */
  append(entries: readonly Entry[]): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class MemoryEntryLog<Entry extends LogEntry> implements EntryLog<Entry> {
  private owner: EntryOwner<Entry> | undefined;

  recover(owner: EntryOwner<Entry>): Promise<void> {
    this.owner = owner;
    return Promise.resolve();
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async append(entries: readonly Entry[]): Promise<void> {
    const { owner } = this;
    if (owner === undefined) throw new TypeError('Expected an entry log to be recovered first, and not closed');
    for (const entry of entries) owner.apply(entry);
  }

  close(): Promise<void> {
    this.owner = undefined;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * An {@link EntryLog} that keeps nothing: for tests, and for owners whose state may die with the process.
 *
 * @example
 * const seen: string[] = [];
 * const log = memoryEntryLog();
 * await log.recover({ apply: (entry) => void seen.push(entry.key), live: () => [] });
 * await log.append([{ type: 'noted', key: 'order-1' }]);
 * seen // => ['order-1']
 */
export function memoryEntryLog<Entry extends LogEntry>(): EntryLog<Entry> {
  return new MemoryEntryLog<Entry>();
}
