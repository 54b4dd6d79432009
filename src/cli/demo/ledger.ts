import { DatabaseSync } from 'node:sqlite';
import type { StepPhase } from '../../saga/record.ts';
import type { Totals } from './order.ts';

/** What really happened at a participant for one phase of one saga's step: business effects, not requests. */
export interface Effect extends Totals {
  readonly saga: string;
  readonly phase: StepPhase;
  /** How often the effect was applied: 1, unless something is wrong. */
  readonly times: number;
}

/** A participant's own account of itself. */
export interface Ledger {
  readonly effects: readonly Effect[];
  /** The running balance that the business keeps beside the single effects. */
  readonly balance: Totals;
}

/** The tables of a participant. `times` counts instead of refusing: a doubled effect must be seen, not prevented here. */
export const participantSchema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS barrier (
    saga TEXT NOT NULL, step TEXT NOT NULL, phase TEXT NOT NULL, reason TEXT NOT NULL,
    epoch INTEGER NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (saga, step, phase)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS effects (
    saga TEXT NOT NULL, phase TEXT NOT NULL, quantity INTEGER NOT NULL, pence INTEGER NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (saga, phase)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS balance (
    one INTEGER PRIMARY KEY CHECK (one = 1), quantity INTEGER NOT NULL, pence INTEGER NOT NULL, sequence INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO balance VALUES (1, 0, 0, 0);
`;

/** Reads a participant's account from its file, after its process has ended. */
export function readLedger(path: string): Ledger {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const effects = database.prepare('SELECT saga, phase, quantity, pence, times FROM effects').all();
    const balance = database.prepare('SELECT quantity, pence FROM balance').get();
    return { effects: effects as unknown as Effect[], balance: balance as unknown as Totals };
  } finally {
    database.close();
  }
}
