/** A value and how often it was written: what was decided on it holds while the version stands. */
export interface Versioned<Value> {
  readonly value: Value;
  /** 1 for the first value, and one more with each write. */
  readonly version: number;
}

/** Writes, and what they were decided on. */
export interface CommitRequest<Value> {
  /** The version of everything that was read; 0 for what was not there. */
  readonly reads: ReadonlyMap<string, number>;
  readonly writes: ReadonlyMap<string, Value>;
}

/** What became of a commit: the new versions, or everything that was read in a version that does not stand. */
export type CommitOutcome<Value> =
  | { readonly committed: true; readonly versions: ReadonlyMap<string, number> }
  | { readonly committed: false; readonly stale: ReadonlyMap<string, Versioned<Value> | undefined> };

/** How a call to a source may be ended. */
export interface SourceCall {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Where values are agreed upon, far away.
 *
 * An implementer keeps: `read` returns nothing that was not committed, and what was committed before it was called;
 * `commit` is atomic: it writes all or nothing, and writes only while every version that was read stands; it resolves when
 * that is durable.
 */
export interface VersionedSource<Value> {
  /** What stands at these keys now; a key that has nothing is absent. */
  read(keys: readonly string[], call?: SourceCall): Promise<ReadonlyMap<string, Versioned<Value>>>;
  commit(request: CommitRequest<Value>, call?: SourceCall): Promise<CommitOutcome<Value>>;
}
