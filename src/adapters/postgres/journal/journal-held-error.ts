import { MakegoodError } from '../../../errors.ts';

/** Thrown when a journal is to be opened by one alone, and other nodes own parts of it. */
export class JournalHeldError extends MakegoodError {
  /** How many shards others own. */
  readonly shards: number;

  constructor(schema: string, shards: number, nodes: number) {
    super(
      'MAKEGOOD_JOURNAL_HELD',
      `journal "${schema}" is held: ${nodes - 1} other nodes own ${shards} of its shards; open it with openTempo to share it, or close them`,
    );
    this.shards = shards;
  }
}
