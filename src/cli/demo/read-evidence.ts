import type { Journal } from '../../journal/journal.ts';
import { openWalJournal } from '../../journal/wal-journal.ts';
import type { Evidence } from './audit.ts';
import { readLedger } from './ledger.ts';
import type { OrderFeed } from './order-feed.ts';
import type { Order } from './order.ts';
import { journalPath, ledgerPath } from './supervise.ts';

async function statusesOf(journal: Journal): Promise<Map<string, string>> {
  const statuses = new Map<string, string>();
  let cursor: string | undefined;
  do {
    const page = await journal.list({ limit: 1000, cursor });
    for (const { id, status } of page.items) statuses.set(id, status);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return statuses;
}

/**
 * Reads what the run has left on the disk. All its processes must have ended: nothing here asks a witness that is still
 * alive, and the journal is read back exactly as a restart would read it.
 */
export async function readEvidence(folder: string, orders: readonly Order[], feed: OrderFeed): Promise<Evidence> {
  await using journal = await openWalJournal(journalPath(folder));
  return {
    orders,
    acknowledged: feed.acknowledged,
    journal: await statusesOf(journal),
    ledgers: {
      inventory: readLedger(ledgerPath(folder, 'inventory')),
      payment: readLedger(ledgerPath(folder, 'payment')),
      shipping: readLedger(ledgerPath(folder, 'shipping')),
    },
  };
}
