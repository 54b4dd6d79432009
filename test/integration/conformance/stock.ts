/** A business for the kit to try: it writes before it refuses, so that what it leaves behind would be seen. */
import type { DatabaseSync } from 'node:sqlite';
import type { PoolClient } from 'pg';
import type { RedisTransaction } from '../../../src/adapters/redis/index.ts';
import type { ParticipantAction } from '../../../src/participant/index.ts';
import { TerminalError } from '../../../src/saga/index.ts';

export const acceptedInput = { sku: 'tea', quantity: 2 };
export const refusedInput = { sku: 'tea', quantity: 1000 };

export const stockSchema = 'CREATE TABLE movements (saga text NOT NULL, step text NOT NULL, kind text NOT NULL)';
const insert = 'INSERT INTO movements (saga, step, kind) VALUES ($1, $2, $3)';
// To SQLite `$1` is a name, and only `?` a place.
const insertHere = insert.replaceAll(/\$\d/g, '?');

function checkQuantity(input: unknown): { readonly reserved: number } {
  const { quantity } = input as { readonly quantity: number };
  if (quantity > 100) throw new TerminalError('not enough tea', { code: 'SOLD_OUT' });
  return { reserved: quantity };
}

export const postgresStock: ParticipantAction<PoolClient> = {
  async run({ input, tx, saga, step }) {
    await tx.query(insert, [saga, step, 'applied']);
    return checkQuantity(input);
  },
  async compensate({ tx, saga, step }) {
    await tx.query(insert, [saga, step, 'undone']);
    return { released: true };
  },
};

export const sqliteStock: ParticipantAction<DatabaseSync> = {
  run({ input, tx, saga, step }) {
    tx.prepare(insertHere).run(saga, step, 'applied');
    return checkQuantity(input);
  },
  compensate({ tx, saga, step }) {
    tx.prepare(insertHere).run(saga, step, 'undone');
  },
};

export function movementsKey(saga: string, step: string): string {
  return `movements:${saga}/${step}`;
}

export const redisStock: ParticipantAction<RedisTransaction> = {
  run({ input, tx, saga, step }) {
    tx.write('RPUSH', movementsKey(saga, step), 'applied');
    return checkQuantity(input);
  },
  compensate({ tx, saga, step }) {
    tx.write('RPUSH', movementsKey(saga, step), 'undone');
  },
};

/** What the kit asks of an address where effects are counted. */
export function effectsOf(rows: readonly { readonly kind: string }[]): object {
  const count = (kind: string): number => rows.filter((row) => row.kind === kind).length;
  return { applied: count('applied'), undone: count('undone') };
}
