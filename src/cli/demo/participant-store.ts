import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { decideBarrier, type BarrierRow } from './barrier.ts';
import type { Business } from './business.ts';
import { participantSchema } from './ledger.ts';
import type { Order, Totals } from './order.ts';
import { type ParticipantCall, problem, type Reply } from './participant-call.ts';

interface Waiting {
  readonly call: ParticipantCall;
  readonly order: Order;
  readonly answer: (reply: Reply) => void;
}

interface Statements {
  readonly readRows: StatementSync;
  readonly writeRow: StatementSync;
  readonly raiseEpoch: StatementSync;
  readonly writeEffect: StatementSync;
  readonly readEffect: StatementSync;
  readonly writeBalance: StatementSync;
  readonly readSequence: StatementSync;
}

function prepare(database: DatabaseSync): Statements {
  return {
    readRows: database.prepare('SELECT phase, reason, epoch, status, body FROM barrier WHERE saga = ? AND step = ?'),
    writeRow: database.prepare('INSERT INTO barrier VALUES (?, ?, ?, ?, ?, ?, ?)'),
    raiseEpoch: database.prepare('UPDATE barrier SET epoch = ? WHERE saga = ? AND step = ? AND epoch < ?'),
    writeEffect: database.prepare(
      `INSERT INTO effects VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE
         SET quantity = quantity + excluded.quantity, pence = pence + excluded.pence, times = times + 1`,
    ),
    readEffect: database.prepare(`SELECT quantity, pence FROM effects WHERE saga = ? AND phase = 'action'`),
    writeBalance: database.prepare(
      'UPDATE balance SET quantity = quantity + ?, pence = pence + ?, sequence = sequence + 1',
    ),
    readSequence: database.prepare('SELECT sequence + 1 AS next FROM balance'),
  };
}

/**
 * A participant's durable state: barrier, effects and balance in one SQLite file, always changed together.
 *
 * Calls that arrive in one turn of the event loop share a transaction, so a hundred of them cost one flush to disk; each
 * has its savepoint, so one that fails takes nothing of the others with it. No call is answered before the commit.
 */
export class ParticipantStore {
  private readonly database: DatabaseSync;
  private readonly statements: Statements;
  private readonly business: Business;
  private waiting: Waiting[] = [];

  constructor(path: string, business: Business) {
    this.database = new DatabaseSync(path);
    this.database.exec(participantSchema);
    this.statements = prepare(this.database);
    this.business = business;
  }

  /** Handles one call; resolves with its answer once everything it changed is on the disk. */
  handle(call: ParticipantCall, order: Order): Promise<Reply> {
    return new Promise((answer) => {
      if (this.waiting.length === 0) setImmediate(() => this.commitWaiting());
      this.waiting.push({ call, order, answer });
    });
  }

  close(): void {
    this.database.close();
  }

  private commitWaiting(): void {
    const batch = this.waiting;
    this.waiting = [];
    let replies: readonly Reply[];
    try {
      this.database.exec('BEGIN IMMEDIATE');
      replies = batch.map(({ call, order }) => this.inSavepoint(call, order));
      this.database.exec('COMMIT');
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      const failed = problem(500, 'store-failed', error instanceof Error ? error.message : String(error));
      replies = batch.map(() => failed);
    }
    batch.forEach(({ answer }, index) => answer(replies[index] ?? problem(500, 'store-failed', 'no reply was made')));
  }

  private inSavepoint(call: ParticipantCall, order: Order): Reply {
    this.database.exec('SAVEPOINT one_call');
    try {
      const reply = this.decide(call, order);
      this.database.exec('RELEASE one_call');
      return reply;
    } catch (error) {
      this.database.exec('ROLLBACK TO one_call; RELEASE one_call');
      return problem(500, 'business-failed', error instanceof Error ? error.message : String(error));
    }
  }

  private decide(call: ParticipantCall, order: Order): Reply {
    const rows = this.statements.readRows.all(call.saga, call.step) as unknown as readonly BarrierRow[];
    const verdict = decideBarrier(rows, call);
    if (verdict.kind === 'refuse') return problem(409, verdict.code, verdict.message);
    if (rows.length > 0) this.statements.raiseEpoch.run(call.epoch, call.saga, call.step, call.epoch);
    if (verdict.kind === 'replay') return { status: verdict.row.status, body: verdict.row.body };
    if (verdict.kind === 'nothing-to-undo') return this.plantTombstone(call, rows.length === 0);
    return this.keep(call, call.phase, call.phase === 'action' ? this.act(call, order) : this.undo(call));
  }

  private plantTombstone(call: ParticipantCall, alsoForAction: boolean): Reply {
    const reply = { status: 200, body: '{"undone":false}' };
    if (alsoForAction) this.keep({ ...call, phase: 'action' }, 'compensation', reply);
    return this.keep(call, 'compensation', reply);
  }

  private keep(call: ParticipantCall, reason: BarrierRow['reason'], reply: Reply): Reply {
    const { saga, step, phase, epoch } = call;
    this.statements.writeRow.run(saga, step, phase, reason, epoch, reply.status, reply.body);
    return reply;
  }

  private act(call: ParticipantCall, order: Order): Reply {
    const deed = this.business(order, numberOf(this.statements.readSequence.get(), 'next'));
    if ('refusal' in deed) return problem(409, deed.refusal.code, deed.refusal.message);
    this.apply(call, deed.effect);
    return { status: 200, body: JSON.stringify(deed.answer) };
  }

  /** Takes back what the action really did, as written down, not what the request says it should have done. */
  private undo(call: ParticipantCall): Reply {
    const done = this.statements.readEffect.get(call.saga);
    this.apply(call, { quantity: -numberOf(done, 'quantity'), pence: -numberOf(done, 'pence') });
    return { status: 200, body: '{"undone":true}' };
  }

  private apply(call: ParticipantCall, { quantity, pence }: Totals): void {
    this.statements.writeEffect.run(call.saga, call.phase, quantity, pence);
    this.statements.writeBalance.run(quantity, pence);
  }
}

function numberOf(row: Record<string, SQLOutputValue> | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new TypeError(`Expected column ${column} to be a number, got ${typeof value}`);
  return value;
}
