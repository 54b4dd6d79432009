/** Something that was said or done in a simulated world, as a picture shows it. */
export interface ChronicleEntry {
  /** The world's time, in ms. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly what: string;
}

/** What happened to one saga, or to everything that all sagas share. */
export class Chronicle {
  readonly entries: ChronicleEntry[] = [];
  private readonly sagaId: string | undefined;

  /** @param sagaId the saga to tell about; `undefined`: only what all share. */
  constructor(sagaId: string | undefined) {
    this.sagaId = sagaId;
  }

  /** Notes something, if it is about the saga or about all. */
  note(sagaId: string | undefined, entry: ChronicleEntry): void {
    const own = sagaId === undefined || sagaId === this.sagaId || isFamily(sagaId, this.sagaId);
    if (own) this.entries.push(entry);
  }
}

/** A child's id begins with its parent's. */
function isFamily(one: string, other: string | undefined): boolean {
  return other !== undefined && (one.startsWith(`${other}~`) || other.startsWith(`${one}~`));
}
