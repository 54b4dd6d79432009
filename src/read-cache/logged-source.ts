import { type EntryLog, type EntryOwner, type LogEntry, memoryEntryLog } from '../ports/entry-log.ts';
import type { CommitOutcome, CommitRequest, Versioned, VersionedSource } from './versioned-source.ts';

/** Values that were committed together. */
export interface CommittedEntry<Value> extends LogEntry {
  readonly type: 'committed';
  readonly values: readonly (readonly [key: string, value: Value, version: number])[];
}

/** A {@link VersionedSource} on a log of its own. */
export interface LoggedSource<Value> extends VersionedSource<Value> {
  /** How many keys have a value. */
  readonly size: number;
  /** Everything there is, in no order. */
  entries(): Iterable<readonly [key: string, versioned: Versioned<Value>]>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class LogSource<Value> implements LoggedSource<Value>, EntryOwner<CommittedEntry<Value>> {
  private readonly log: EntryLog<CommittedEntry<Value>>;
  private readonly values = new Map<string, Versioned<Value>>();
  /** Keys whose next value is on its way to the disk. */
  private readonly pending = new Map<string, Promise<void>>();

  constructor(log: EntryLog<CommittedEntry<Value>>) {
    this.log = log;
  }

  get size(): number {
    return this.values.size;
  }

  entries(): Iterable<readonly [string, Versioned<Value>]> {
    return this.values.entries();
  }

  apply({ values }: CommittedEntry<Value>): void {
    for (const [key, value, version] of values) this.values.set(key, { value, version });
  }

  *live(): Generator<CommittedEntry<Value>> {
    for (const [key, { value, version }] of this.values)
      yield { type: 'committed', key, values: [[key, value, version]] };
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is a promise; sources elsewhere do wait
  async read(keys: readonly string[]): Promise<ReadonlyMap<string, Versioned<Value>>> {
    const found = new Map<string, Versioned<Value>>();
    for (const key of keys) {
      const versioned = this.values.get(key);
      if (versioned !== undefined) found.set(key, versioned);
    }
    return found;
  }

  async commit(request: CommitRequest<Value>): Promise<CommitOutcome<Value>> {
    const { reads, writes } = request;
    // What is on its way decides whether this one may follow; whoever touches other keys does not wait.
    for (let wait = this.pendingAmong(request); wait !== undefined; wait = this.pendingAmong(request)) await wait;
    const stale = new Map<string, Versioned<Value> | undefined>();
    for (const [key, version] of reads) if (this.versionOf(key) !== version) stale.set(key, this.values.get(key));
    if (stale.size > 0) return { committed: false, stale };
    if (writes.size === 0) return { committed: true, versions: new Map() };
    const values = [...writes].map(([key, value]) => [key, value, this.versionOf(key) + 1] as const);
    // Checked and appended in one turn: the order of the log is the order of the commits.
    const written = this.log.append([{ type: 'committed', key: values[0]?.[0] ?? '', values }]);
    const settled = written.then(ignore, ignore);
    for (const [name] of values) this.pending.set(name, settled);
    try {
      await written;
    } finally {
      for (const [name] of values) if (this.pending.get(name) === settled) this.pending.delete(name);
    }
    return { committed: true, versions: new Map(values.map(([name, , version]) => [name, version])) };
  }

  close(): Promise<void> {
    return this.log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private versionOf(key: string): number {
    return this.values.get(key)?.version ?? 0;
  }

  private pendingAmong({ reads, writes }: CommitRequest<Value>): Promise<void> | undefined {
    for (const keys of [reads.keys(), writes.keys()])
      for (const key of keys) {
        const wait = this.pending.get(key);
        if (wait !== undefined) return wait;
      }
    return undefined;
  }
}

function ignore(): void {}

/**
 * Opens a source of versioned values on an entry log: the one place that agrees, for one process that others call.
 * Values are JSON. Commits that touch different keys share flushes.
 *
 * @param options.log where values are kept, such as `walEntryLog(path, { purpose: 'stock' })`. Default: memory.
 * @returns the source, to be closed.
 * @example
 * await using stock = await openLoggedSource<number>();
 * await stock.commit({ reads: new Map(), writes: new Map([['apples', 7]]) });
 * (await stock.read(['apples'])).get('apples') // => { value: 7, version: 1 }
 */
export async function openLoggedSource<Value>(
  options: { readonly log?: EntryLog<CommittedEntry<Value>> } = {},
): Promise<LoggedSource<Value>> {
  const { log = memoryEntryLog<CommittedEntry<Value>>() } = options;
  const source = new LogSource<Value>(log);
  await log.recover(source);
  return source;
}
