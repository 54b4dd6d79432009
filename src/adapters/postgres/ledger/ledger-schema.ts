import { quoteTable } from '../postgres-client.ts';

/** The names of the ledger's tables. */
export interface LedgerTables {
  readonly lane: string;
  readonly delivery: string;
  readonly reaction: string;
  readonly outbox: string;
  readonly sequence: string;
  readonly relay: string;
}

/** What the names of the ledger's tables begin with unless told otherwise. */
export const ledgerPrefix = 'makegood';

/**
 * The names of a ledger's tables as they stand in statements.
 *
 * @throws {TypeError} when the prefix is not of a-z 0-9 _.
 */
export function ledgerTables(prefix: string): LedgerTables {
  const name = (table: string): string => quoteTable(`${prefix}_${table}`);
  return {
    lane: name('inbox_lane'),
    delivery: name('inbox_delivery'),
    reaction: name('inbox_reaction'),
    outbox: name('outbox'),
    sequence: name('outbox_sequence'),
    relay: name('outbox_relay'),
  };
}

/**
 * The tables of `postgresLedger` as SQL, safe to run again. They belong into the database of the business.
 *
 * @param prefix what their names begin with, with a schema or without. Default `'makegood'`.
 * @throws {TypeError} when the prefix is not of a-z 0-9 _.
 * @example
 * postgresLedgerSchema('shop.saga').includes('CREATE TABLE IF NOT EXISTS "shop"."saga_outbox"') // => true
 */
export function postgresLedgerSchema(prefix: string = ledgerPrefix): string {
  const { lane, delivery, reaction, outbox, sequence, relay } = ledgerTables(prefix);
  const index = prefix.replace('.', '_');
  // Times are the server's, ms since 1970. Text rather than jsonb keeps events to the letter.
  return `CREATE TABLE IF NOT EXISTS ${lane} (
  consumer text COLLATE "C" NOT NULL,
  saga text COLLATE "C" NOT NULL,
  ordinal bigint NOT NULL DEFAULT 1,
  parked integer NOT NULL DEFAULT 0,
  blocked_by text,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, saga)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS "${index}_inbox_lane_open" ON ${lane} (consumer, saga) WHERE parked > 0 AND blocked_by IS NULL;
CREATE TABLE IF NOT EXISTS ${delivery} (
  consumer text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  saga text COLLATE "C" NOT NULL,
  state text NOT NULL,
  deliveries integer NOT NULL,
  crashes integer NOT NULL,
  ordinal bigint NOT NULL,
  since bigint NOT NULL,
  reason text,
  detail text,
  event text,
  PRIMARY KEY (consumer, source, id)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS "${index}_inbox_delivery_waiting" ON ${delivery} (consumer, saga, ordinal) WHERE event IS NOT NULL;
CREATE INDEX IF NOT EXISTS "${index}_inbox_delivery_done" ON ${delivery} (since) WHERE state = 'done';
CREATE TABLE IF NOT EXISTS ${reaction} (
  consumer text COLLATE "C" NOT NULL,
  saga text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  row text NOT NULL,
  PRIMARY KEY (consumer, saga, name)
);
CREATE TABLE IF NOT EXISTS ${outbox} (
  pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  due timestamptz,
  topic text NOT NULL,
  key text NOT NULL,
  id text NOT NULL,
  value text NOT NULL,
  headers text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX IF NOT EXISTS "${index}_outbox_ready" ON ${outbox} (pos) WHERE due IS NULL;
CREATE INDEX IF NOT EXISTS "${index}_outbox_due" ON ${outbox} (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS ${sequence} (
  source text COLLATE "C" NOT NULL,
  saga text COLLATE "C" NOT NULL,
  last bigint NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source, saga)
) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS ${relay} (id integer PRIMARY KEY CHECK (id = 1));
INSERT INTO ${relay} (id) VALUES (1) ON CONFLICT DO NOTHING;
`;
}
