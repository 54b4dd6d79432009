import type { Buffer } from 'node:buffer';
import type { PlacedRecord, Position, SagaFilter, SagaPage, SagaSummary } from '../../../journal/journal.ts';
import { listQuery, pageOf } from '../../../journal/list-query.ts';
import { decodeRecord, RecordUnreadableError } from '../../../journal/record-codec.ts';
import { type UnreadableSaga, unknownSaga } from '../../../journal/unreadable-saga.ts';
import { IllegalRecordError } from '../../../saga/legal-records.ts';
import type { SagaRecord } from '../../../saga/record.ts';
import { applyRecord, foldRecords, type SagaState } from '../../../saga/state.ts';
import type { SagaStatus } from '../../../saga/status.ts';
import type { StatementLine } from './statement-line.ts';

/** A record as it stands in the table. */
export interface RecordRow {
  readonly position: string;
  readonly kind: number;
  readonly at: string;
  readonly step: string;
  readonly seq: number;
  readonly body: Buffer;
}

interface SagaRow {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: SagaStatus;
  readonly created_at: string;
  readonly updated_at: string;
}

/** How many sagas are read at once when a shard is taken up. */
const sagasAPage = 500;

function recordOf(sagaId: string, { kind, at, step, seq, body }: RecordRow): SagaRecord {
  const entry = { lsn: seq, kind, state: 0, timestamp: Number(at), txId: sagaId, stepId: step, payload: body };
  return decodeRecord(entry).record;
}

/** A record as far as it can be read: what stops one saga must not stop whoever reads of all. */
export function readableRecord(sagaId: string, row: RecordRow): SagaRecord | undefined {
  try {
    return recordOf(sagaId, row);
  } catch (error) {
    if (error instanceof RecordUnreadableError) return undefined;
    throw error;
  }
}

/** A saga by its rows: its state, or as far as that is to be had. */
function sagaOf(id: string, rows: readonly RecordRow[]): SagaState | UnreadableSaga | undefined {
  let state: SagaState | undefined;
  for (const row of rows) {
    try {
      state = applyRecord(id, state, recordOf(id, row));
    } catch (error) {
      if (!(error instanceof RecordUnreadableError || error instanceof IllegalRecordError)) throw error;
      const { seq } = row;
      const position = Number(row.position);
      const why = error instanceof RecordUnreadableError ? error.why : error.message;
      const where = `table journal, position ${position}, record ${seq} of the saga`;
      return { state: state ?? unknownSaga(id, Number(row.at)), damage: { position, seq, why }, where };
    }
  }
  return state;
}

function summaryOf(row: SagaRow): SagaSummary {
  const { id, name, version, status } = row;
  return { id, name, version, status, createdAt: Number(row.created_at), updatedAt: Number(row.updated_at) };
}

/** Reads sagas and their records; always on the server that is written to, so that what was acknowledged is seen. */
export class SagaReader {
  private readonly schema: string;
  private readonly line: StatementLine;

  constructor(schema: string, line: StatementLine) {
    this.schema = schema;
    this.line = line;
  }

  async history(shard: number, sagaId: string): Promise<readonly PlacedRecord[]> {
    const rows = await this.line.run<RecordRow>(
      `SELECT j.position, j.kind, j.at, j.step, j.seq, j.body
       FROM ${this.schema}.saga g JOIN ${this.schema}.journal j ON j.day = g.day AND j.saga = g.key
       WHERE g.shard = $1 AND g.id = $2 ORDER BY j.seq`,
      [shard, sagaId],
    );
    return rows.map((row) => ({ position: Number(row.position), sagaId, record: recordOf(sagaId, row) }));
  }

  async records(shard: number, sagaId: string): Promise<readonly SagaRecord[]> {
    return (await this.history(shard, sagaId)).map(({ record }) => record);
  }

  async state(shard: number, sagaId: string): Promise<SagaState | undefined> {
    return foldRecords(sagaId, await this.records(shard, sagaId));
  }

  /** Status and last record of a saga. */
  async standing(shard: number, sagaId: string): Promise<{ readonly status: SagaStatus } | undefined> {
    const text = `SELECT status FROM ${this.schema}.saga WHERE shard = $1 AND id = $2`;
    const [row] = await this.line.run<{ readonly status: SagaStatus }>(text, [shard, sagaId]);
    return row;
  }

  /** The unfinished sagas of a shard, oldest first, each folded from its records, as far as they can be read. */
  async *unfinished(shard: number): AsyncGenerator<SagaState | UnreadableSaga> {
    for (let after = '0'; ; ) {
      const rows = await this.line.run<RecordRow & { readonly key: string; readonly id: string }>(
        `SELECT g.key, g.id, j.position, j.kind, j.at, j.step, j.seq, j.body FROM (
           SELECT g.key, g.id, g.day FROM ${this.schema}.saga g
           WHERE g.shard = $1 AND NOT g.finished AND g.key > $2 ORDER BY g.key LIMIT ${sagasAPage}) g
         JOIN ${this.schema}.journal j ON j.day = g.day AND j.saga = g.key ORDER BY g.key, j.seq`,
        [shard, after],
      );
      const bySaga = Map.groupBy(rows, ({ id }) => id);
      for (const [id, own] of bySaga) {
        const found = sagaOf(id, own);
        if (found !== undefined) yield found;
      }
      if (bySaga.size < sagasAPage) return;
      after = rows.at(-1)?.key ?? after;
    }
  }

  /** Which of these sagas have ended or wait for a person. */
  async settled(sagas: readonly (readonly [shard: number, id: string])[]): Promise<readonly string[]> {
    const rows = await this.line.run<{ readonly id: string }>(
      `SELECT g.id FROM unnest($1::smallint[], $2::text[]) AS w(shard, id)
       JOIN ${this.schema}.saga g ON g.shard = w.shard AND g.id = w.id
       WHERE g.finished OR g.status IN ('terminated', 'needs-human')`,
      [sagas.map(([shard]) => shard), sagas.map(([, id]) => id)],
    );
    return rows.map(({ id }) => id);
  }

  /** The records of those of these sagas that no owner of their shard has written to: one each. */
  async placed(shard: number, sagaIds: readonly string[]): Promise<readonly PlacedRecord[]> {
    const rows = await this.line.run<RecordRow & { readonly id: string }>(
      `SELECT g.id, j.position, j.kind, j.at, j.step, j.seq, j.body
       FROM ${this.schema}.saga g JOIN ${this.schema}.journal j ON j.day = g.day AND j.saga = g.key
       WHERE g.shard = $1 AND g.epoch = 0 AND g.id = ANY ($2) ORDER BY g.key`,
      [shard, sagaIds],
    );
    return rows.flatMap((row) => {
      const record = readableRecord(row.id, row);
      return record === undefined ? [] : [{ position: Number(row.position), sagaId: row.id, record }];
    });
  }

  /** Sagas, newest first. Those whose records were dropped are not shown. */
  async list(filter?: SagaFilter): Promise<SagaPage> {
    const query = listQuery(filter);
    const conditions = [`g.day NOT IN (SELECT day FROM ${this.schema}.purged)`];
    const values: unknown[] = [];
    const where = (condition: string, value: unknown): void => {
      if (value === undefined || value === Infinity) return;
      values.push(value);
      conditions.push(`${condition} $${values.length}`);
    };
    where('g.status =', query.status);
    where('g.name =', query.name);
    if (query.idPrefix !== undefined) {
      values.push(query.idPrefix);
      conditions.push(`starts_with(g.id, $${values.length})`);
    }
    where('g.created_at >=', query.since);
    where('g.created_at <', query.before);
    where('g.key <', query.bornBefore);
    const rows = await this.line.run<SagaRow>(
      `SELECT g.key, g.id, g.name, g.version, g.status, g.created_at, g.updated_at FROM ${this.schema}.saga g
       WHERE ${conditions.join(' AND ')} ORDER BY g.key DESC LIMIT ${query.limit}`,
      values,
    );
    return pageOf(
      query,
      rows.map((row) => ({ birth: Number(row.key) satisfies Position, summary: summaryOf(row) })),
    );
  }
}
