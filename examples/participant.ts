import { DatabaseSync } from 'node:sqlite';
import type { RedisTransaction } from 'makegood/adapters/redis';
import { sqliteBarrier } from 'makegood/adapters/sqlite';
import { barrier, participant, type ParticipantAction } from 'makegood/participant';
import { TerminalError } from 'makegood/saga';

// #region participant
const database = new DatabaseSync(':memory:');
database.exec("CREATE TABLE stock (sku TEXT PRIMARY KEY, left INTEGER); INSERT INTO stock VALUES ('tea', 5)");

const handle = participant({
  barrier: sqliteBarrier({ database }),
  actions: {
    reserve: {
      run({ input, tx }) {
        const { sku, quantity } = input as { sku: string; quantity: number };
        const taken = tx.prepare('UPDATE stock SET left = left - ?2 WHERE sku = ?1 AND left >= ?2').run(sku, quantity);
        if (taken.changes === 0) throw new TerminalError(`not enough ${sku}`, { code: 'SOLD_OUT' });
        return { sku, quantity };
      },
      compensate({ input, tx }) {
        const { sku, quantity } = input as { sku: string; quantity: number };
        tx.prepare('UPDATE stock SET left = left + ? WHERE sku = ?').run(quantity, sku);
      },
    },
  },
});
// #endregion

async function call(saga: string, phase: 'action' | 'compensation', quantity: number, epoch = 1): Promise<string> {
  const input = { sku: 'tea', quantity };
  const answer = await handle(
    new Request('http://inventory/reserve', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': `${saga}/reserve/${phase}`,
        'Makegood-Saga': saga,
        'Makegood-Step': 'reserve',
        'Makegood-Phase': phase,
        'Makegood-Attempt': '1',
        'Makegood-Epoch': String(epoch),
      },
      body: JSON.stringify(phase === 'action' ? input : { input }),
    }),
  );
  const left = Number(database.prepare('SELECT left FROM stock').get()?.['left']);
  return `${answer.status} ${(await answer.text()).match(/"code":"(?<code>[^"]+)"/)?.groups?.['code'] ?? 'ok'}, ${left} left`;
}

console.log(await call('order-1', 'action', 2)); // prints: 200 ok, 3 left
console.log(await call('order-1', 'action', 2)); // prints: 200 ok, 3 left
console.log(await call('order-1', 'compensation', 2)); // prints: 204 ok, 5 left
console.log(await call('order-1', 'compensation', 2)); // prints: 204 ok, 5 left
console.log(await call('order-2', 'action', 9)); // prints: 409 SOLD_OUT, 5 left
console.log(await call('order-3', 'compensation', 1)); // prints: 200 ok, 5 left
console.log(await call('order-3', 'action', 1)); // prints: 409 aborted, 5 left

// #region barrier
const rows = sqliteBarrier({ database });
const reply = await rows.transaction((tx, store) =>
  barrier(store, { saga: 'order-4', step: 'reserve', phase: 'action', epoch: 1 }, () => {
    tx.exec("UPDATE stock SET left = left - 1 WHERE sku = 'tea'");
    return { reserved: 1 };
  }),
);
console.log(reply.status, reply.body); // prints: 200 {"reserved":1}
// #endregion

// #region redis
export const reserveTea: ParticipantAction<RedisTransaction> = {
  async run({ input, tx }) {
    const { quantity } = input as { quantity: number };
    if (Number(await tx.read('GET', 'stock:tea')) < quantity) throw new TerminalError('not enough tea');
    tx.write('DECRBY', 'stock:tea', quantity);
  },
};
// #endregion
