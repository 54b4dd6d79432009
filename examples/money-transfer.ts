// A transfer between two accounts, with a semantic lock: while it is under way the sender's account says so, and a second
// transfer from it is refused instead of seeing money that may come back.

import assert from 'node:assert/strict';
import { saga, TerminalError } from 'makegood/saga';
import { testTempo } from 'makegood/testing';

interface Account {
  balance: number;
  /** The saga that has something pending on it: the semantic lock. */
  pending?: string;
}

const accounts = new Map<string, Account>([
  ['ada', { balance: 100 }],
  ['bo', { balance: 0 }],
  ['closed', { balance: 0, pending: 'an audit' }],
]);

function account(name: string): Account {
  const found = accounts.get(name);
  if (found === undefined) throw new TerminalError(`there is no account "${name}"`, { code: 'NO_ACCOUNT' });
  return found;
}

/** Takes the lock, or says who has it. Asked twice by the same saga, it gives the same answer. */
function lock(name: string, owner: string): Account {
  const own = account(name);
  if (own.pending !== undefined && own.pending !== owner) {
    throw new TerminalError(`account "${name}" is busy with ${own.pending}`, { code: 'PENDING' });
  }
  own.pending = owner;
  return own;
}

function unlock(name: string, owner: string): void {
  const own = account(name);
  if (own.pending === owner) delete own.pending;
}

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

// #region define
const transfer = saga('transfer')
  .input<Transfer>()
  .step('lock', {
    run: ({ input, sagaId }) => {
      if (lock(input.from, sagaId).balance < input.amount) {
        unlock(input.from, sagaId);
        throw new TerminalError('not enough money', { code: 'INSUFFICIENT' });
      }
    },
    compensate: ({ input, sagaId }) => unlock(input.from, sagaId),
  })
  .step('reserve', {
    run: ({ input, sagaId }) => void lock(input.to, sagaId),
    compensate: ({ input, sagaId }) => unlock(input.to, sagaId),
  })
  .pivot('move', {
    run: ({ input }) => {
      account(input.from).balance -= input.amount; // both in one transaction of the bank's database
      account(input.to).balance += input.amount;
    },
  })
  .step('unlock', {
    run: ({ input, sagaId }) => [input.from, input.to].forEach((name) => unlock(name, sagaId)),
  })
  .output(({ input }) => account(input.from).balance);
// #endregion

await using tempo = await testTempo({ sagas: [transfer] });
const send = (id: string, input: Transfer) => tempo.start(transfer, { id, input });

const good = await send('t-1', { from: 'ada', to: 'bo', amount: 30 });
console.log(await tempo.until(good.result())); // prints: 70

const poor = await send('t-2', { from: 'ada', to: 'bo', amount: 300 });
console.log((await tempo.until(poor.outcome())).failure?.code); // prints: INSUFFICIENT

const busy = await send('t-3', { from: 'ada', to: 'closed', amount: 5 });
console.log((await tempo.until(busy.outcome())).failure?.message); // prints: account "closed" is busy with an audit

assert.deepEqual(
  [...accounts.values()].map(({ balance }) => balance),
  [70, 30, 0],
);
assert.equal(account('ada').pending, undefined);
