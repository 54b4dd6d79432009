import { expect, test } from 'vitest';
import { generateOrders } from './generate-orders.ts';
import { OrderFeed } from './order-feed.ts';

const orders = generateOrders({ count: 5, seed: 1 });
const ids = orders.map((order) => order.id);
const ended = (...indexes: number[]) => indexes.map((index) => ({ id: ids[index] ?? '', status: 'completed' }));

test('never more orders are in flight than the window, and each is sent once', () => {
  const feed = new OrderFeed(orders, 2);
  expect(feed.next(0)).toEqual(orders.slice(0, 2));
  expect(feed.next(0)).toEqual([]);
  feed.ended(ended(1), 10);
  expect(feed.next(10)).toEqual(orders.slice(2, 3));
  feed.ended(ended(0, 2), 20);
  expect(feed.next(20)).toEqual(orders.slice(3));
  feed.ended(ended(3, 4), 30);
  expect(feed.next(30)).toEqual([]);
  expect(feed.isDone).toBe(true);
});

test('after a crash what has not been seen to end is sent again, and what was acknowledged is not forgotten', () => {
  const feed = new OrderFeed(orders, 3);
  feed.next(0);
  feed.accepted(ids.slice(0, 2));
  feed.ended(ended(0), 10);
  expect(feed.unfinished()).toEqual(orders.slice(1, 3));
  expect([...feed.acknowledged]).toEqual(ids.slice(0, 2));
});

test('an outcome that is told twice counts once, with the time since the order was first sent', () => {
  const feed = new OrderFeed(orders, 3);
  feed.next(5);
  feed.ended(ended(0), 25);
  feed.ended(ended(0), 95);
  expect({ count: feed.endedCount, latencies: feed.latenciesMs, elapsed: feed.elapsedMs }).toEqual({
    count: 1,
    latencies: [20],
    elapsed: 20,
  });
});
