/**
 * Group commit in the client: while one statement is on its way, the next fills. Shards are dealt out to lanes of one
 * statement each, so that one lane's is prepared while the server is at another's, and no two of them lock the same row.
 *
 *   waiting ──(nothing is on its way)──▶ sent ──▶ written, or judged: conflict, stale epoch, purged
 *                                         │ ├──▶ the answer was lost: the same statement again, until there is one
 *                                         │ └──▶ something in it is refused: in halves, until that one is found
 *
 * An append whose answer was lost is told neither done nor failed before the server has said which. Sending it again is
 * harmless: a row moves only from the record that is expected, and its tag tells by whom it was moved.
 */
import { AppendConflictError, SagaPurgedError, StaleEpochError } from '../../../journal/journal.ts';
import { RecordRefusedError } from '../../../journal/record-refused-error.ts';
import type { Clock } from '../../../ports/clock.ts';
import { sleepMs } from '../../../time/sleep.ts';
import { appendAskedText, appendText, appendValues, askedValues } from './append-statement.ts';
import type { PendingWrite } from './pending-write.ts';
import { sqlStateOf, type StatementLine, troubleOf } from './statement-line.ts';

/** How much goes into one statement. */
export interface AppendBounds {
  /** How many statements may be on their way at once, each of shards of its own. */
  readonly appendConnections: number;
  readonly maxBatchAppends: number;
  readonly maxBatchBytes: number;
}

/** More than these records have no places of their own in one flush. */
const maxBatchRecords = 4095;

const firstPauseMs = 20;
const longestPauseMs = 1000;

/** What is on its way, and what waits for it. */
interface Lane {
  waiting: PendingWrite[];
  sending: Promise<void> | undefined;
}

interface Judged {
  readonly owner: string | null;
  readonly shard_epoch: string;
  readonly seq: number | null;
  readonly tag: string | null;
  readonly purged_at: string | null;
  /** Where the first record behind the expected one stands. */
  readonly lands: string | null;
}

/** The appends of one node, in batches. */
export class AppendQueue {
  private readonly schema: string;
  private readonly line: StatementLine;
  private readonly clock: Clock;
  private readonly bounds: AppendBounds;
  private readonly text: string;
  private readonly askedText: string;
  /** The append of each saga that is on its way. */
  private readonly sagas = new Map<string, PendingWrite>();
  private readonly lanes: readonly Lane[];
  /** The node's number; it changes when the node has lost its lease and begins anew. */
  node = 0;

  constructor(schema: string, line: StatementLine, clock: Clock, bounds: AppendBounds) {
    this.schema = schema;
    this.line = line;
    this.clock = clock;
    this.bounds = bounds;
    this.text = appendText(schema);
    this.askedText = appendAskedText(schema);
    this.lanes = Array.from({ length: bounds.appendConnections }, () => ({ waiting: [], sending: undefined }));
  }

  /** Resolves when no append of this saga is on its way: what comes next is judged by what came of it. */
  async settled(sagaId: string): Promise<void> {
    for (let before = this.sagas.get(sagaId); before !== undefined; before = this.sagas.get(sagaId))
      await before.durable.catch(() => undefined);
  }

  add(write: PendingWrite): void {
    const { sagaId, entries } = write.facts;
    if (entries.length > maxBatchRecords)
      return write.reject(new RecordRefusedError(sagaId, `they are ${entries.length}, more than ${maxBatchRecords}`));
    this.sagas.set(sagaId, write);
    const lane = this.laneOf(write);
    lane.waiting.push(write);
    // Sent in a later turn, so that all that is appended in this one goes together.
    lane.sending ??= new Promise<void>((resolve) => this.clock.soon(resolve)).then(() => this.send(lane));
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.lanes.some(({ sending }) => sending !== undefined))
      await Promise.all(this.lanes.flatMap(({ sending }) => sending ?? []));
  }

  private laneOf({ facts }: PendingWrite): Lane {
    return this.lanes[facts.shard % this.lanes.length] as Lane;
  }

  private async send(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) await this.write(this.take(lane));
    // In the same turn as the last look: what is added from now on begins anew.
    lane.sending = undefined;
  }

  private take(lane: Lane): PendingWrite[] {
    const { maxBatchAppends, maxBatchBytes } = this.bounds;
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const { facts } of lane.waiting) {
      for (const { payload } of facts.entries) bytes += payload.length;
      records += facts.entries.length;
      if (count > 0 && (count >= maxBatchAppends || bytes > maxBatchBytes || records > maxBatchRecords)) break;
      count++;
    }
    return lane.waiting.splice(0, count);
  }

  /** Settles every append of a batch; never rejects. */
  private async write(batch: readonly PendingWrite[]): Promise<void> {
    let pauseMs = firstPauseMs;
    for (let writes = this.stillWanted(batch); writes.length > 0; writes = this.stillWanted(writes)) {
      try {
        const rows = await this.run(writes);
        const left = new Set(writes);
        for (const { written, lands } of rows) {
          const write = writes[written] as PendingWrite;
          this.done(write, lands);
          left.delete(write);
        }
        if (left.size > 0) await this.judge([...left]);
        return;
      } catch (error) {
        if (await this.makesDay(error)) continue;
        const trouble = troubleOf(error);
        if (trouble === 'refused' && writes.length > 1) return await this.writeHalves(writes);
        if (trouble !== 'passing') {
          for (const write of writes) this.fail(write, trouble === 'fatal' ? error : refusal(write, error));
          return;
        }
        for (const write of writes) write.lostAnswer = { error };
        await sleepMs(pauseMs, this.clock, undefined);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
  }

  private run(writes: readonly PendingWrite[]): Promise<readonly { written: number; lands: string }[]> {
    const values = appendValues(this.node, writes);
    if (writes.every(({ facts }) => facts.asked.length === 0)) return this.line.run(this.text, values);
    return this.line.run(this.askedText, [...values, ...askedValues(writes)]);
  }

  private async writeHalves(writes: readonly PendingWrite[]): Promise<void> {
    const middle = writes.length >>> 1;
    await this.write(writes.slice(0, middle));
    await this.write(writes.slice(middle));
  }

  /** The day has no partition yet (23514 of the parent table): makes it. */
  private async makesDay(error: unknown): Promise<boolean> {
    if (sqlStateOf(error) !== '23514') return false;
    try {
      const [row] = await this.line.run<{ made: number }>(`SELECT ${this.schema}.make_days_1(1) AS made`);
      return (row?.made ?? 0) > 0;
    } catch {
      // The trouble that led here is the one to tell of.
      return false;
    }
  }

  /** What became of appends that the statement did not write. Rejects when that cannot be found out now. */
  private async judge(writes: readonly PendingWrite[]): Promise<void> {
    const { schema } = this;
    const rows = await this.line.run<Judged>(
      `SELECT s.owner, s.epoch AS shard_epoch, g.seq, g.tag, j.position AS lands,
         CASE WHEN p.day IS NULL THEN NULL ELSE g.updated_at END AS purged_at
       FROM unnest($1::smallint[], $2::text[], $3::integer[]) WITH ORDINALITY AS w(shard, id, expected, place)
       JOIN ${schema}.shard s ON s.id = w.shard
       LEFT JOIN ${schema}.saga g ON g.shard = w.shard AND g.id = w.id
       LEFT JOIN ${schema}.purged p ON p.day = g.day
       LEFT JOIN ${schema}.journal j ON j.day = g.day AND j.saga = g.key AND j.seq = w.expected + 1 ORDER BY w.place`,
      [
        writes.map(({ facts }) => facts.shard),
        writes.map(({ facts }) => facts.sagaId),
        writes.map(({ facts }) => facts.expectedSeq),
      ],
    );
    for (const [place, write] of writes.entries()) {
      const found = rows[place] as Judged;
      if (found.purged_at !== null && write.facts.allowReuse) await this.giveAway(write);
      else this.conclude(write, found);
    }
  }

  /** The id of a purged saga is given to a new one. */
  private async giveAway(write: PendingWrite): Promise<void> {
    const { schema } = this;
    const { facts } = write;
    const text = `DELETE FROM ${schema}.saga g USING ${schema}.purged p WHERE g.day = p.day AND g.shard = $1 AND g.id = $2`;
    await this.line.run(text, [facts.shard, facts.sagaId]);
    this.laneOf(write).waiting.unshift(write);
  }

  private conclude(write: PendingWrite, found: Judged): void {
    const { facts, hold } = write;
    if (write.lostAnswer !== undefined && found.tag === write.tag) return this.done(write, found.lands ?? '0');
    const owned = found.owner === String(this.node) && Number(found.shard_epoch) === hold?.epoch;
    if (hold !== undefined && !owned)
      return this.fail(write, new StaleEpochError(hold.epoch, Number(found.shard_epoch)));
    if (found.purged_at !== null) return this.fail(write, new SagaPurgedError(facts.sagaId, Number(found.purged_at)));
    this.fail(write, new AppendConflictError(facts.sagaId, facts.expectedSeq, found.seq ?? 0));
  }

  /** Lets go of appends whose shard is lost, or whose caller has waited long enough: the next reader finds out. */
  private stillWanted(writes: readonly PendingWrite[]): readonly PendingWrite[] {
    const nowMs = this.clock.monotonicMs();
    return writes.filter((write) => {
      const end = write.hold?.lost ?? (nowMs > write.giveUpAtMs ? write.lostAnswer : undefined);
      if (end !== undefined) this.fail(write, end.error);
      return end === undefined;
    });
  }

  // A saga is free again before its caller hears of it, who may append at once.
  private done(write: PendingWrite, lands: string): void {
    this.forget(write);
    write.resolve(Number(lands));
  }

  private fail(write: PendingWrite, error: unknown): void {
    this.forget(write);
    write.reject(error);
  }

  private forget(write: PendingWrite): void {
    const { sagaId } = write.facts;
    if (this.sagas.get(sagaId) === write) this.sagas.delete(sagaId);
  }
}

function refusal({ facts }: PendingWrite, cause: unknown): RecordRefusedError {
  return new RecordRefusedError(facts.sagaId, cause instanceof Error ? cause.message : String(cause), { cause });
}
