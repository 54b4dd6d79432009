import { quoteTable } from '../postgres-client.ts';

/** What the names of the broker's tables begin with unless told otherwise. */
export const brokerPrefix = 'makegood_broker';

/** The names of the broker's tables. */
export interface BrokerTables {
  readonly message: string;
  readonly group: string;
}

/**
 * The names of a broker's tables as they stand in statements.
 *
 * @throws {TypeError} when the prefix is not of a-z 0-9 _.
 */
export function brokerTables(prefix: string): BrokerTables {
  return { message: quoteTable(`${prefix}_message`), group: quoteTable(`${prefix}_group`) };
}

/**
 * The tables of `postgresBroker` as SQL, safe to run again.
 *
 * @param prefix what their names begin with, with a schema or without. Default `'makegood_broker'`.
 * @throws {TypeError} when the prefix is not of a-z 0-9 _.
 * @example
 * postgresBrokerSchema().includes('CREATE TABLE IF NOT EXISTS "makegood_broker_message"') // => true
 */
export function postgresBrokerSchema(prefix: string = brokerPrefix): string {
  const { message, group } = brokerTables(prefix);
  return `CREATE TABLE IF NOT EXISTS ${message} (
  topic text COLLATE "C" NOT NULL,
  pos bigint GENERATED ALWAYS AS IDENTITY,
  key text NOT NULL,
  id text NOT NULL,
  value text NOT NULL,
  headers text NOT NULL,
  published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, pos)
);
CREATE INDEX IF NOT EXISTS "${prefix.replace('.', '_')}_message_published" ON ${message} (published_at);
CREATE TABLE IF NOT EXISTS ${group} (
  topic text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  owner text NOT NULL,
  lease_until timestamptz NOT NULL,
  position bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, name)
) WITH (fillfactor = 50);
`;
}
