import type { CloudEvent } from '../../../choreography/cloud-event.ts';
import type {
  DeliveryKey,
  DeliveryRow,
  InboxSession,
  LaneKey,
  LaneRow,
  ReactionRow,
  WaitingDelivery,
} from '../../../choreography/inbox.ts';
import { freezeJson } from '../../../saga/json-value.ts';
import type { PostgresClient } from '../postgres-client.ts';
import type { LedgerTables } from './ledger-schema.ts';

/** A row of the delivery table as `pg` gives it: bigint as text. */
export interface StoredDelivery {
  readonly saga: string;
  readonly source: string;
  readonly id: string;
  readonly state: DeliveryRow['state'];
  readonly deliveries: number;
  readonly crashes: number;
  readonly ordinal: string;
  readonly since: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly event: string | null;
}

/** What to select for {@link StoredDelivery}. */
export const deliveryColumns = 'saga, source, id, state, deliveries, crashes, ordinal, since, reason, detail, event';

function rowOf({ state, deliveries, crashes, ordinal, since, reason, detail, event }: StoredDelivery): DeliveryRow {
  return {
    state,
    deliveries,
    crashes,
    ordinal: Number(ordinal),
    since: Number(since),
    ...(reason !== null && { reason }),
    ...(detail !== null && { detail }),
    ...(event !== null && { event: freezeJson(JSON.parse(event) as CloudEvent) }),
  };
}

/** A delivery that waits in the inbox, with its event. */
export function waitingOf(stored: StoredDelivery): WaitingDelivery {
  const { saga: sagaId, source, id } = stored;
  return { sagaId, source, id, row: rowOf(stored) as WaitingDelivery['row'] };
}

interface StoredLane {
  readonly ordinal: string;
  readonly parked: number;
  readonly blocked_by: string | null;
  readonly now: number;
}

/** Rows of one lane, in the transaction that has locked it. */
export class PostgresInboxSession<Client extends PostgresClient> implements InboxSession<Client> {
  readonly transaction: Client;
  readonly now: number;
  readonly lane: LaneRow;
  private readonly tables: LedgerTables;
  private readonly key: LaneKey;
  private readonly ordinal: number;

  private constructor(client: Client, tables: LedgerTables, key: LaneKey, stored: StoredLane) {
    this.transaction = client;
    this.tables = tables;
    this.key = key;
    this.now = stored.now;
    this.ordinal = Number(stored.ordinal);
    this.lane = { parked: stored.parked, ...(stored.blocked_by !== null && { blockedBy: stored.blocked_by }) };
  }

  /** Locks the lane, which is made when it is not there; waits for another transaction that has it. */
  static async lock<Client extends PostgresClient>(
    client: Client,
    tables: LedgerTables,
    key: LaneKey,
  ): Promise<PostgresInboxSession<Client>> {
    // The update is the lock, and its number the ordinal of what this transaction may add.
    const text = `INSERT INTO ${tables.lane} AS lane (consumer, saga) VALUES ($1, $2)
      ON CONFLICT (consumer, saga) DO UPDATE SET ordinal = lane.ordinal + 1, changed_at = clock_timestamp()
      RETURNING ordinal, parked, blocked_by, floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`;
    const { rows } = await client.query(text, [key.consumer, key.sagaId]);
    return new PostgresInboxSession(client, tables, key, rows[0] as StoredLane);
  }

  async saveLane({
    parked,
    blockedBy = null,
  }: {
    readonly parked: number;
    readonly blockedBy?: string | null;
  }): Promise<void> {
    const text = `UPDATE ${this.tables.lane} SET parked = $3, blocked_by = $4 WHERE consumer = $1 AND saga = $2`;
    await this.transaction.query(text, [this.key.consumer, this.key.sagaId, parked, blockedBy]);
  }

  nextOrdinal(): Promise<number> {
    return Promise.resolve(this.ordinal);
  }

  async delivery({ source, id }: DeliveryKey): Promise<DeliveryRow | undefined> {
    const text = `SELECT ${deliveryColumns} FROM ${this.tables.delivery} WHERE consumer = $1 AND source = $2 AND id = $3`;
    const { rows } = await this.transaction.query(text, [this.key.consumer, source, id]);
    return rows.length === 0 ? undefined : rowOf(rows[0] as StoredDelivery);
  }

  async saveDelivery({ source, id }: DeliveryKey, row: DeliveryRow): Promise<void> {
    const { state, deliveries, crashes, ordinal, since, reason = null, detail = null, event } = row;
    const text = `INSERT INTO ${this.tables.delivery}
        (consumer, source, id, saga, state, deliveries, crashes, ordinal, since, reason, detail, event)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
      ON CONFLICT (consumer, source, id) DO UPDATE SET state = $5, deliveries = $6, crashes = $7, ordinal = $8,
        since = $9, reason = $10, detail = $11, event = $12`;
    const stored = event === undefined ? null : JSON.stringify(event);
    const place = [this.key.consumer, source, id, this.key.sagaId];
    await this.transaction.query(text, [...place, state, deliveries, crashes, ordinal, since, reason, detail, stored]);
  }

  async nextWaiting(): Promise<WaitingDelivery | undefined> {
    const text = `SELECT ${deliveryColumns} FROM ${this.tables.delivery}
      WHERE consumer = $1 AND saga = $2 AND event IS NOT NULL AND state <> 'dead' ORDER BY ordinal LIMIT 1`;
    const { rows } = await this.transaction.query(text, [this.key.consumer, this.key.sagaId]);
    return rows.length === 0 ? undefined : waitingOf(rows[0] as StoredDelivery);
  }

  async reaction(name: string): Promise<ReactionRow | undefined> {
    const text = `SELECT row FROM ${this.tables.reaction} WHERE consumer = $1 AND saga = $2 AND name = $3`;
    const { rows } = await this.transaction.query(text, [this.key.consumer, this.key.sagaId, name]);
    const stored = rows[0] as { readonly row: string } | undefined;
    return stored === undefined ? undefined : freezeJson(JSON.parse(stored.row) as ReactionRow);
  }

  async saveReaction(name: string, row: ReactionRow): Promise<void> {
    const text = `INSERT INTO ${this.tables.reaction} (consumer, saga, name, row) VALUES ($1, $2, $3, $4)
      ON CONFLICT (consumer, saga, name) DO UPDATE SET row = $4`;
    await this.transaction.query(text, [this.key.consumer, this.key.sagaId, name, JSON.stringify(row)]);
  }
}
