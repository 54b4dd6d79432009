import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { sleepMs } from '../../../time/sleep.ts';
import type { StatementLine } from './statement-line.ts';

/** How long what is kept is kept, ms; `Infinity` is for ever. */
export interface PostgresRetention {
  readonly retentionMs: number;
  readonly tombstoneRetentionMs: number;
}

interface PurgeRow {
  readonly dropped: string | null;
  readonly forgotten: number;
}

const everyMs = 3_600_000;
const idsACall = 5000;
const daysAhead = 7;

/** Now and then makes the partitions of the days to come, drops those that are over, and forgets ids. */
export class Housekeeping {
  private readonly schema: string;
  private readonly line: StatementLine;
  private readonly retention: PostgresRetention;
  private readonly closing = new AbortController();
  private working: Promise<void> | undefined;

  constructor(schema: string, line: StatementLine, retention: PostgresRetention) {
    this.schema = schema;
    this.line = line;
    this.retention = retention;
  }

  begin(clock: Clock, random: Random): void {
    this.working ??= this.goOn(clock, random);
  }

  private async goOn(clock: Clock, random: Random): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      // What cannot be done now is done the next time; a missing day is made by whoever needs it.
      await this.tidy().catch(() => undefined);
      await sleepMs(everyMs * (0.9 + 0.2 * random()), clock, signal).catch(() => undefined);
    }
  }

  /** Does all there is to do; resolves with how many days were dropped and how many ids were forgotten. */
  async tidy(): Promise<{ readonly days: number; readonly ids: number }> {
    const { schema, line, retention } = this;
    await line.run(`SELECT ${schema}.make_days_1($1)`, [daysAhead]);
    let days = 0;
    let ids = 0;
    while (!this.closing.signal.aborted) {
      const bounds = [retention.retentionMs, retention.tombstoneRetentionMs].map((ms) => Math.min(ms, 1e15));
      const [row] = await line.run<PurgeRow>(`SELECT * FROM ${schema}.purge_1($1, $2, $3)`, [...bounds, idsACall]);
      ids += row?.forgotten ?? 0;
      if (row === undefined || (row.dropped === null && row.forgotten < idsACall)) return { days, ids };
      if (row.dropped !== null) days++;
    }
    return { days, ids };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.working;
  }
}
