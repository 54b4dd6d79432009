import type { CloudEvent } from '../../../choreography/cloud-event.ts';
import type { DeliveryKey, DeliveryRow, LaneRow, ReactionRow, WaitingDelivery } from '../../../choreography/inbox.ts';
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

function rowOf(stored: StoredDelivery): DeliveryRow {
  const { state, deliveries, crashes, ordinal, since, reason, detail, event } = stored;
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

/** The key of a delivery in a map. */
function deliveryName({ source, id }: DeliveryKey): string {
  return JSON.stringify([source, id]);
}

/** The key of a reaction in a map. */
function reactionName(saga: string, name: string): string {
  return JSON.stringify([saga, name]);
}

/** What a transaction has read and written of the inbox; written out in one statement a table. */
export class InboxRows {
  private readonly client: PostgresClient;
  private readonly tables: LedgerTables;
  private readonly consumer: string;
  private readonly deliveries = new Map<string, DeliveryRow | undefined>();
  private readonly reactions = new Map<string, ReactionRow | undefined>();
  private lanes = new Map<string, LaneRow>();
  private changedDeliveries = new Map<string, readonly [key: DeliveryKey, saga: string, row: DeliveryRow]>();
  private changedReactions = new Map<string, readonly [saga: string, name: string, row: ReactionRow]>();

  constructor(client: PostgresClient, tables: LedgerTables, consumer: string) {
    this.client = client;
    this.tables = tables;
    this.consumer = consumer;
  }

  /** Reads deliveries, all in one go. */
  async readDeliveries(keys: readonly DeliveryKey[]): Promise<void> {
    if (keys.length === 0) return;
    // Row by row through the index: a plan that was made for a small table would read a large one as a whole.
    const text = `SELECT found.* FROM unnest($2::text[], $3::text[]) AS wanted (source, id) CROSS JOIN LATERAL (
      SELECT ${deliveryColumns} FROM ${this.tables.delivery} d
      WHERE d.consumer = $1 AND d.source = wanted.source AND d.id = wanted.id LIMIT 1) found`;
    const values = [this.consumer, keys.map(({ source }) => source), keys.map(({ id }) => id)];
    const { rows } = await this.client.query(text, values);
    for (const key of keys) this.deliveries.set(deliveryName(key), undefined);
    for (const stored of rows as readonly StoredDelivery[]) this.deliveries.set(deliveryName(stored), rowOf(stored));
  }

  /** Reads reactions of these names in these sagas, all in one go. */
  async readReactions(sagas: readonly string[], names: readonly string[]): Promise<void> {
    if (sagas.length === 0 || names.length === 0) return;
    const text = `SELECT saga, name, row FROM ${this.tables.reaction}
      WHERE consumer = $1 AND saga = ANY ($2::text[]) AND name = ANY ($3::text[])`;
    const { rows } = await this.client.query(text, [this.consumer, sagas, names]);
    for (const saga of sagas) for (const name of names) this.reactions.set(reactionName(saga, name), undefined);
    for (const { saga, name, row } of rows as readonly { saga: string; name: string; row: string }[])
      this.reactions.set(reactionName(saga, name), freezeJson(JSON.parse(row) as ReactionRow));
  }

  async delivery(key: DeliveryKey): Promise<DeliveryRow | undefined> {
    if (!this.deliveries.has(deliveryName(key))) await this.readDeliveries([key]);
    return this.deliveries.get(deliveryName(key));
  }

  async reaction(saga: string, name: string): Promise<ReactionRow | undefined> {
    if (!this.reactions.has(reactionName(saga, name))) await this.readReactions([saga], [name]);
    return this.reactions.get(reactionName(saga, name));
  }

  saveLane(saga: string, row: LaneRow): void {
    this.lanes.set(saga, row);
  }

  saveDelivery({ source, id }: DeliveryKey, saga: string, row: DeliveryRow): void {
    const key = { source, id };
    this.deliveries.set(deliveryName(key), row);
    this.changedDeliveries.set(deliveryName(key), [key, saga, row]);
  }

  saveReaction(saga: string, name: string, row: ReactionRow): void {
    this.reactions.set(reactionName(saga, name), row);
    this.changedReactions.set(reactionName(saga, name), [saga, name, row]);
  }

  /** Writes what was changed. */
  async flush(): Promise<void> {
    await this.flushDeliveries();
    await this.flushReactions();
    await this.flushLanes();
  }

  private async flushLanes(): Promise<void> {
    const changed = [...this.lanes];
    this.lanes = new Map();
    if (changed.length === 0) return;
    // They are there, since they are locked: written as if they might not be, each is found through the index.
    const text = `INSERT INTO ${this.tables.lane} (consumer, saga, parked, blocked_by)
      SELECT $1, made.* FROM unnest($2::text[], $3::int[], $4::text[]) AS made
      ON CONFLICT (consumer, saga) DO UPDATE SET parked = excluded.parked, blocked_by = excluded.blocked_by`;
    const columns = [
      changed.map(([saga]) => saga),
      changed.map(([, { parked }]) => parked),
      changed.map(([, { blockedBy = null }]) => blockedBy),
    ];
    await this.client.query(text, [this.consumer, ...columns]);
  }

  private async flushDeliveries(): Promise<void> {
    const changed = [...this.changedDeliveries.values()];
    this.changedDeliveries = new Map();
    if (changed.length === 0) return;
    const text = `INSERT INTO ${this.tables.delivery}
        (consumer, source, id, saga, state, deliveries, crashes, ordinal, since, reason, detail, event)
      SELECT $1, made.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bigint[],
        $9::bigint[], $10::text[], $11::text[], $12::text[]) AS made
      ON CONFLICT (consumer, source, id) DO UPDATE SET state = excluded.state, deliveries = excluded.deliveries,
        crashes = excluded.crashes, ordinal = excluded.ordinal, since = excluded.since, reason = excluded.reason,
        detail = excluded.detail, event = excluded.event`;
    const rows = changed.map(([{ source, id }, saga, row]) => {
      const { state, deliveries, crashes, ordinal, since, reason = null, detail = null, event } = row;
      const stored = event === undefined ? null : JSON.stringify(event);
      return [source, id, saga, state, deliveries, crashes, ordinal, since, reason, detail, stored];
    });
    const columns = Array.from({ length: 11 }, (_, column) => rows.map((row) => row[column]));
    await this.client.query(text, [this.consumer, ...columns]);
  }

  private async flushReactions(): Promise<void> {
    const changed = [...this.changedReactions.values()];
    this.changedReactions = new Map();
    if (changed.length === 0) return;
    const text = `INSERT INTO ${this.tables.reaction} (consumer, saga, name, row)
      SELECT $1, made.* FROM unnest($2::text[], $3::text[], $4::text[]) AS made
      ON CONFLICT (consumer, saga, name) DO UPDATE SET row = excluded.row`;
    const columns = [
      changed.map(([saga]) => saga),
      changed.map(([, name]) => name),
      changed.map(([, , row]) => JSON.stringify(row)),
    ];
    await this.client.query(text, [this.consumer, ...columns]);
  }
}
