import { isDeepStrictEqual } from 'node:util';
import type { BrokerMessage } from '../choreography/broker.ts';
import { type CloudEvent, decodeEvent } from '../choreography/cloud-event.ts';
import type { DeliveryRow, Inbox } from '../choreography/inbox.ts';
import type { Outbox, OutboxDraft } from '../choreography/outbox.ts';
import { InProgressError } from '../idempotency/idempotency-errors.ts';
import { systemClock } from '../ports/system-clock.ts';
import { sleepMs } from '../time/sleep.ts';

/** An inbox and an outbox that share their transactions. */
export interface Ledger<Transaction> {
  readonly inbox: Inbox<Transaction>;
  readonly outbox: Outbox<Transaction>;
}

/** One promise of `Inbox` or `Outbox`, and how to find out whether an implementation keeps it. */
export interface LedgerCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Is given an empty ledger; resolves when the promise is kept, rejects with what was seen instead. */
  readonly run: <Transaction>(ledger: Ledger<Transaction>) => Promise<void>;
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`Expected ${what} to be ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: 'shop',
  type: 'order.placed',
  time: '2026-01-01T00:00:00.000Z',
  data: { text: 'é "quoted" 😀', nested: [1, null, { a: false }] },
  sagaid: 'order-7',
  sequence: 1,
};

function draft(id: string, sagaid = 'order-7', delayMs = 0): OutboxDraft {
  const { sequence: _, ...unnumbered } = event;
  return { topic: 'orders', event: { ...unnumbered, id, sagaid }, headers: { a: 'b' }, delayMs };
}

const lane = { consumer: 'stock', sagaId: 'order-7' };
const rolledBack = new Error('rolled back');

async function fails(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Everything that is due, by the ids of its messages. */
async function relayed<Transaction>(outbox: Outbox<Transaction>, limit = 100): Promise<readonly BrokerMessage[]> {
  const seen: BrokerMessage[] = [];
  await outbox.relay(async (messages) => void seen.push(...messages), limit);
  return seen;
}

async function relayedIds<Transaction>(outbox: Outbox<Transaction>): Promise<readonly string[]> {
  return (await relayed(outbox)).map(({ id }) => id);
}

const promises: Readonly<Record<string, LedgerCheck['run']>> = {
  'rows are read as they were written, by the next transaction of the lane': async ({ inbox }) => {
    const row: DeliveryRow = {
      state: 'dead',
      deliveries: 3,
      crashes: 1,
      ordinal: 1,
      since: 1_700_000_000_000,
      reason: 'refused',
      detail: 'é 😀',
      event,
    };
    const reaction = { barred: false, runs: [{ id: 'e1', output: { n: 1 }, event }] };
    await inbox.transaction(lane, async (session) => {
      same(session.lane, { parked: 0 }, 'a new lane');
      same(await session.delivery({ source: 'shop', id: 'e1' }), undefined, 'an unknown delivery');
      same(await session.reaction('order.placed'), undefined, 'an unknown reaction');
      await session.saveDelivery({ source: 'shop', id: 'e1' }, row);
      await session.saveReaction('order.placed', reaction);
      await session.saveLane({ parked: 2, blockedBy: '["shop","e1"]' });
      same(await session.delivery({ source: 'shop', id: 'e1' }), row, 'what the transaction has written');
    });
    await inbox.transaction(lane, async (session) => {
      same(session.lane, { parked: 2, blockedBy: '["shop","e1"]' }, 'the lane');
      same(await session.delivery({ source: 'shop', id: 'e1' }), row, 'the delivery');
      same(await session.delivery({ source: 'other', id: 'e1' }), undefined, 'the same id of another source');
      same(await session.reaction('order.placed'), reaction, 'the reaction');
      await session.saveLane({ parked: 0 });
    });
    await inbox.transaction(lane, async (session) => same(session.lane, { parked: 0 }, 'the open lane'));
    await inbox.transaction({ consumer: 'mail', sagaId: 'order-7' }, async (session) => {
      same(await session.delivery({ source: 'shop', id: 'e1' }), undefined, "another consumer's delivery");
    });
  },
  'a transaction that rejects leaves nothing, neither rows nor numbers nor events': async ({ inbox, outbox }) => {
    const work = inbox.transaction(lane, async (session) => {
      await session.saveLane({ parked: 9 });
      await outbox.add(session.transaction, [draft('lost')]);
      throw rolledBack;
    });
    same((await fails(work)) === rolledBack, true, 'whether its own error is passed on');
    await inbox.transaction(lane, async (session) => {
      same(session.lane.parked, 0, 'the lane');
      await outbox.add(session.transaction, [draft('kept')]);
    });
    const messages = await relayed(outbox);
    same(
      messages.map(({ id }) => id),
      ['kept'],
      'what was published',
    );
    same(decodeEvent(messages[0]?.value ?? '').sequence, 1, 'its number');
  },
  'a lane is held alone, and only that lane': async ({ inbox }) => {
    const holding = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    let wasInside = true;
    const first = inbox.transaction(lane, async () => {
      held.resolve();
      await holding.promise;
      wasInside = false;
    });
    await held.promise;
    await inbox.transaction({ ...lane, sagaId: 'order-8' }, async () => undefined);
    const second = fails(
      inbox.transaction(lane, async () => {
        if (wasInside) throw new Error('two transactions in one lane');
      }),
    );
    await sleepMs(50, systemClock, undefined);
    holding.resolve();
    await first;
    const refusal = await second;
    if (refusal !== undefined && !(refusal instanceof InProgressError)) throw refusal;
  },
  'several lanes are one transaction: each has its own rows, and all commit or none': async ({ inbox, outbox }) => {
    if (inbox.transactionOn === undefined) return;
    const sagas = ['order-9', 'order-7', 'order-8'];
    const row = { state: 'running', deliveries: 1, crashes: 0, ordinal: 1, since: 1_700_000_000_000 } as const;
    const lanes = sagas.map((sagaId) => ({
      ...lane,
      sagaId,
      deliveries: [{ source: 'shop', id: sagaId }],
      reactions: ['order.placed'],
    }));
    const work = inbox.transactionOn(lanes, async (sessions) => {
      for (const session of sessions) await session.saveLane({ parked: 9 });
      throw rolledBack;
    });
    same((await fails(work)) === rolledBack, true, 'whether its own error is passed on');
    await inbox.transactionOn(lanes, async (sessions) => {
      for (const [n, session] of sessions.entries()) {
        const id = sagas[n] as string;
        same(session.lane, { parked: 0 }, `the lane of ${id}`);
        same(await session.delivery({ source: 'shop', id }), undefined, 'a delivery that is not there');
        await session.saveDelivery({ source: 'shop', id }, { ...row, deliveries: n + 1 });
        await session.saveReaction('order.placed', { barred: true, runs: [] });
        await session.saveLane({ parked: n, blockedBy: id });
        await outbox.add(session.transaction, [draft(`of ${id}`, id)]);
      }
    });
    for (const [n, sagaId] of sagas.entries())
      await inbox.transaction({ ...lane, sagaId }, async (session) => {
        same(session.lane, { parked: n, blockedBy: sagaId }, `the lane of ${sagaId}`);
        same((await session.delivery({ source: 'shop', id: sagaId }))?.deliveries, n + 1, `the delivery of ${sagaId}`);
        same(await session.reaction('order.placed'), { barred: true, runs: [] }, `the reaction of ${sagaId}`);
      });
    same((await relayedIds(outbox)).length, 3, 'how many were published');
  },
  'what waits is given in the order of arrival, and listed; what was given up is only listed': async ({ inbox }) => {
    const ids = ['w1', 'w2', 'w3'];
    for (const id of ids)
      await inbox.transaction(lane, async (session) => {
        const ordinal = await session.nextOrdinal();
        const state = id === 'w1' ? 'dead' : 'parked';
        const row = { state, deliveries: 0, crashes: 0, ordinal, since: session.now, reason: id, event } as const;
        await session.saveDelivery({ source: 'shop', id }, row);
        await session.saveLane({ parked: ids.indexOf(id) });
      });
    same(await inbox.waitingLanes('stock', 10), ['order-7'], 'the lanes with something in them');
    same(await inbox.waitingLanes('mail', 10), [], "another's lanes");
    same(
      (await inbox.waiting('stock', { state: 'parked' })).map(({ id }) => id),
      ['w2', 'w3'],
      'the parked ones',
    );
    same((await inbox.waiting('stock', { state: 'parked', limit: 1 })).length, 1, 'the first parked one');
    same(
      (await inbox.waiting('stock', { state: 'parked', reason: 'w3' })).map(({ id }) => id),
      ['w3'],
      'by reason',
    );
    const [dead] = await inbox.waiting('stock', { state: 'dead' });
    same([dead?.sagaId, dead?.source, dead?.id, dead?.row.event], ['order-7', 'shop', 'w1', event], 'the dead one');
    await inbox.transaction(lane, async (session) => {
      const next = await session.nextWaiting();
      same(next?.id, 'w2', 'the next one');
      if (next === undefined) return;
      const { event: _, ...row } = next.row;
      await session.saveDelivery(next, { ...row, state: 'done' });
      same((await session.nextWaiting())?.id, 'w3', 'the one after it');
      await session.saveLane({ parked: 1, blockedBy: 'w1' });
    });
    same(await inbox.waitingLanes('stock', 10), [], 'the lanes when it is blocked');
  },
  'events are published in the order of their transactions, with dense numbers, once': async ({ inbox, outbox }) => {
    for (let n = 1; n <= 5; n++)
      await inbox.transaction(lane, async ({ transaction }) => {
        await outbox.add(transaction, [draft(`a${n}`), draft(`b${n}`), draft(`other${n}`, 'order-8')]);
      });
    const messages = await relayed(outbox);
    const mine = messages.filter(({ key }) => key === 'order-7');
    same(
      mine.map(({ id }) => id),
      ['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'a4', 'b4', 'a5', 'b5'],
      'the order',
    );
    same(
      mine.map(({ value }) => decodeEvent(value).sequence),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      'the numbers',
    );
    const others = messages.filter(({ key }) => key === 'order-8');
    same(
      others.map(({ value }) => decodeEvent(value).sequence),
      [1, 2, 3, 4, 5],
      "another saga's numbers",
    );
    same([messages[0]?.topic, messages[0]?.headers], ['orders', { a: 'b' }], 'the topic and headers');
    same(await relayedIds(outbox), [], 'what is left');
  },
  'a transaction that commits late is not skipped': async ({ inbox, outbox }) => {
    const holding = Promise.withResolvers<void>();
    const late = inbox.transaction(lane, async ({ transaction }) => {
      await outbox.add(transaction, [draft('late')]);
      await holding.promise;
    });
    await sleepMs(20, systemClock, undefined);
    await inbox.transaction({ ...lane, sagaId: 'order-8' }, async ({ transaction }) => {
      await outbox.add(transaction, [draft('early', 'order-8')]);
    });
    const before = await relayedIds(outbox);
    holding.resolve();
    await late;
    same([...before, ...(await relayedIds(outbox))].toSorted(), ['early', 'late'], 'what was published in all');
  },
  'what could not be published stays, and comes again in its order': async ({ inbox, outbox }) => {
    await inbox.transaction(lane, ({ transaction }) => outbox.add(transaction, [draft('1'), draft('2'), draft('3')]));
    const down = new Error('the broker is away');
    same((await fails(outbox.relay(() => Promise.reject(down), 10))) === down, true, 'whether its error is passed on');
    same(
      (await relayed(outbox, 2)).map(({ id }) => id),
      ['1', '2'],
      'the first two',
    );
    same(await relayedIds(outbox), ['3'], 'the rest');
  },
  'a delayed event is published when it is due, and the wait for it is told': async ({ inbox, outbox }) => {
    await inbox.transaction(lane, async ({ transaction }) => {
      await outbox.add(transaction, [draft('later', 'order-7', 400), draft('now')]);
    });
    const seen: string[] = [];
    const publish = async (messages: readonly BrokerMessage[]): Promise<void> =>
      void seen.push(...messages.map(({ id }) => id));
    const { nextDueMs = 0 } = await outbox.relay(publish, 10);
    same([seen, nextDueMs > 100 && nextDueMs <= 400], [['now'], true], `what was due (the next in ${nextDueMs} ms)`);
    await sleepMs(nextDueMs + 5, systemClock, undefined);
    same((await outbox.relay(publish, 10)).nextDueMs, undefined, 'the wait when nothing is left');
    same(seen, ['now', 'later'], 'what was published');
  },
  'of two relays one works': async ({ inbox, outbox }) => {
    await inbox.transaction(lane, ({ transaction }) => outbox.add(transaction, [draft('1')]));
    const holding = Promise.withResolvers<void>();
    const working = Promise.withResolvers<void>();
    const first = outbox.relay(() => {
      working.resolve();
      return holding.promise;
    }, 10);
    await working.promise;
    same((await relayed(outbox)).length, 0, 'what the second one publishes');
    holding.resolve();
    same((await first).sent, 1, 'what the first one has published');
  },
};

/**
 * Every promise of the `Inbox` and `Outbox` ports, for whoever writes them: run each against the real thing.
 *
 * @example
 * for (const { run } of ledgerContract.slice(0, 2)) await run(memoryLedger());
 */
export const ledgerContract: readonly LedgerCheck[] = Object.entries(promises).map(([name, run]) => ({ name, run }));
