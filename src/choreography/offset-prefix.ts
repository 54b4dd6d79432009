/** Positions of a log that were taken in order and settled in any: knows up to where all are settled. */
export class OffsetPrefix<Position> {
  private readonly taken: { readonly position: Position; settled: boolean }[] = [];

  /** Positions that were taken and are not in the prefix. */
  get size(): number {
    return this.taken.length;
  }

  /** Notes that a position was taken, behind all others; gives what to call when it is settled. */
  take(position: Position): () => Position | undefined {
    const entry = { position, settled: false };
    this.taken.push(entry);
    return () => {
      entry.settled = true;
      return this.advance();
    };
  }

  /** The last position of the settled prefix, if it has grown. */
  private advance(): Position | undefined {
    let count = 0;
    while (this.taken[count]?.settled === true) count++;
    return this.taken.splice(0, count).at(-1)?.position;
  }
}
