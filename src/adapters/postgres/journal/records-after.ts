import type { PlacedRecord, Position } from '../../../journal/journal.ts';
import type { Clock } from '../../../ports/clock.ts';
import { sleepMs } from '../../../time/sleep.ts';
import { readableRecord, type RecordRow } from './saga-reader.ts';
import type { StatementLine } from './statement-line.ts';

interface Horizon {
  readonly handed_out: string;
  readonly next: string;
  readonly settled: boolean;
}

const recordsAPage = 2000;
const firstPauseMs = 2;
const longestWaitMs = 2000;

/**
 * Up to which position everything is there that ever will be. Several nodes write, and what has the lower position may be
 * committed later: so the transactions that had begun when the last position was handed out must be over first.
 * `undefined` when that takes long, because somebody keeps a transaction open.
 */
async function settledPosition(schema: string, line: StatementLine, clock: Clock): Promise<Position | undefined> {
  const text = `SELECT * FROM ${schema}.settled_1($1)`;
  const [seen] = await line.run<Horizon>(text, [null]);
  let waitedMs = 0;
  for (let pauseMs = firstPauseMs; waitedMs < longestWaitMs; pauseMs *= 2) {
    const [now] = await line.run<Horizon>(text, [seen?.next]);
    // A flush has all the positions from the one that was handed out to it to the next one's.
    if (now?.settled === true) return Number(seen?.handed_out) + 4095;
    await sleepMs(pauseMs, clock, undefined);
    waitedMs += pauseMs;
  }
  return undefined;
}

/** The records of all sagas behind a position, as far as nothing can come between; what cannot be read is left out. */
export async function* recordsAfter(
  schema: string,
  line: StatementLine,
  clock: Clock,
  position: Position,
): AsyncGenerator<PlacedRecord> {
  const last = await settledPosition(schema, line, clock);
  if (last === undefined) return;
  for (let after = position; ; ) {
    const rows = await line.run<RecordRow & { readonly id: string }>(
      `SELECT g.id, j.position, j.kind, j.at, j.step, j.seq, j.body FROM ${schema}.journal j
       JOIN ${schema}.saga g ON g.key = j.saga
       WHERE j.position > $1 AND j.position <= $2 ORDER BY j.position LIMIT ${recordsAPage}`,
      [after, last],
    );
    for (const row of rows) {
      after = Number(row.position);
      const record = readableRecord(row.id, row);
      if (record !== undefined) yield { position: after, sagaId: row.id, record };
    }
    if (rows.length < recordsAPage) return;
  }
}
