/** A record of a step, as a shared log gives it. */
export interface SharedLogEntry {
  readonly key: string;
  readonly value: string;
  /** When the log has taken it, by its own clock, ms since 1970. */
  readonly at: number;
}

/**
 * A log that many processes write to and read from the beginning: a topic, a stream.
 *
 * An implementer keeps: `append` resolves only when the record is as durable as the log can make it; every reader of a lane
 * sees its records in one and the same order, each at least once; nothing is dropped by age or size, only by `forget`.
 */
export interface SharedLog {
  /** In how many lanes records keep their order; a step is in one of them. */
  readonly lanes: number;
  append(lane: number, key: string, value: string): Promise<void>;
  /** Lets the log drop records that nobody needs any more, in its own time. */
  forget(lane: number, keys: readonly string[]): Promise<void>;
  /**
   * Reads all lanes from the beginning and goes on reading until `close`. Called again after `onFault`, it begins anew.
   */
  follow(onEntry: (entry: SharedLogEntry) => void, onFault: (error: unknown) => void): Promise<void>;
  /** Safe to call twice. */
  close(): Promise<void>;
}
