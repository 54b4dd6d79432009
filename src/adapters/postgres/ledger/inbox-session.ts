/**
 * Lanes that a transaction has locked. What is read of them is kept, and what is written is held back until the end: an
 * event costs a share of a few statements, not six of its own.
 */
import type {
  DeliveryKey,
  DeliveryRow,
  InboxSession,
  LaneRequest,
  LaneRow,
  ReactionRow,
  WaitingDelivery,
} from '../../../choreography/inbox.ts';
import type { PostgresClient } from '../postgres-client.ts';
import { deliveryColumns, InboxRows, type StoredDelivery, waitingOf } from './inbox-rows.ts';
import type { LedgerTables } from './ledger-schema.ts';

interface StoredLane {
  readonly saga: string;
  readonly ordinal: string;
  readonly parked: number;
  readonly blocked_by: string | null;
  readonly now: number;
}

/** Rows of one lane, in the transaction that has locked it. */
class PostgresInboxSession<Client extends PostgresClient> implements InboxSession<Client> {
  readonly transaction: Client;
  readonly now: number;
  readonly lane: LaneRow;
  private readonly tables: LedgerTables;
  private readonly consumer: string;
  private readonly saga: string;
  private readonly rows: InboxRows;
  private readonly ordinal: number;

  constructor(client: Client, tables: LedgerTables, consumer: string, rows: InboxRows, stored: StoredLane) {
    this.transaction = client;
    this.tables = tables;
    this.consumer = consumer;
    this.saga = stored.saga;
    this.rows = rows;
    this.now = stored.now;
    this.ordinal = Number(stored.ordinal);
    this.lane = { parked: stored.parked, ...(stored.blocked_by !== null && { blockedBy: stored.blocked_by }) };
  }

  saveLane(row: LaneRow): Promise<void> {
    return Promise.resolve(this.rows.saveLane(this.saga, row));
  }

  nextOrdinal(): Promise<number> {
    return Promise.resolve(this.ordinal);
  }

  delivery(key: DeliveryKey): Promise<DeliveryRow | undefined> {
    return this.rows.delivery(key);
  }

  saveDelivery(key: DeliveryKey, row: DeliveryRow): Promise<void> {
    return Promise.resolve(this.rows.saveDelivery(key, this.saga, row));
  }

  async nextWaiting(): Promise<WaitingDelivery | undefined> {
    await this.rows.flush();
    const text = `SELECT ${deliveryColumns} FROM ${this.tables.delivery}
      WHERE consumer = $1 AND saga = $2 AND event IS NOT NULL AND state <> 'dead' ORDER BY ordinal LIMIT 1`;
    const { rows } = await this.transaction.query(text, [this.consumer, this.saga]);
    return rows.length === 0 ? undefined : waitingOf(rows[0] as StoredDelivery);
  }

  reaction(name: string): Promise<ReactionRow | undefined> {
    return this.rows.reaction(this.saga, name);
  }

  saveReaction(name: string, row: ReactionRow): Promise<void> {
    return Promise.resolve(this.rows.saveReaction(this.saga, name, row));
  }
}

/** Lanes that were locked, in the order they were asked for, and what writes out the changes. */
export interface LockedLanes<Client extends PostgresClient> {
  readonly sessions: readonly InboxSession<Client>[];
  readonly flush: () => Promise<void>;
}

/** Locks lanes of one consumer, which are made when they are not there; waits for another transaction that has one. */
export async function lockLanes<Client extends PostgresClient>(
  client: Client,
  tables: LedgerTables,
  requests: readonly LaneRequest[],
): Promise<LockedLanes<Client>> {
  const consumer = requests[0]?.consumer ?? '';
  const sagas = requests.map(({ sagaId }) => sagaId);
  // The update is the lock, and its number the ordinal of what this transaction may add. In the order of their names, so
  // that two transactions that want the same ones wait for each other in one direction only.
  const text = `INSERT INTO ${tables.lane} AS lane (consumer, saga)
    SELECT $1, wanted.saga FROM unnest($2::text[]) AS wanted (saga) ORDER BY wanted.saga COLLATE "C"
    ON CONFLICT (consumer, saga) DO UPDATE SET ordinal = lane.ordinal + 1, changed_at = clock_timestamp()
    RETURNING saga, ordinal, parked, blocked_by, floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`;
  const stored = (await client.query(text, [consumer, sagas])).rows as readonly StoredLane[];
  // Only now, with the lanes locked, is nobody else writing what stands in them.
  const rows = new InboxRows(client, tables, consumer);
  await rows.readDeliveries(requests.flatMap(({ deliveries = [] }) => deliveries));
  await rows.readReactions(sagas, [...new Set(requests.flatMap(({ reactions = [] }) => reactions))]);
  const lanes = new Map(stored.map((lane) => [lane.saga, lane]));
  const sessions = sagas.map((saga) => {
    return new PostgresInboxSession(client, tables, consumer, rows, lanes.get(saga) as StoredLane);
  });
  return { sessions, flush: () => rows.flush() };
}
