// Three services in a row on loopback, each a Node server: how the time that is left travels from the first to the last.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { deadlineHandler, deadlineProblem, requestSignal, retryingFetch } from 'makegood/http';
import { remainingMs, sleep, withDeadline } from 'makegood/time';

async function listen(onRequest: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer(onRequest).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** What one service saw of one request. */
interface Visit {
  readonly leftMs: number;
  readonly attempt: string | null;
}

/** A service that notes what time it has, works for `workMs`, and then asks the next one under the same signal. */
async function startService(workMs: number, next?: string) {
  const visits: Visit[] = [];
  const ends: unknown[] = [];
  const fetchNext = retryingFetch();
  const handler = deadlineHandler(async (request, { signal }) => {
    visits.push({ leftMs: remainingMs(signal), attempt: request.headers.get('makegood-attempt') });
    signal.addEventListener('abort', () => ends.push((signal.reason as { code?: unknown } | undefined)?.code));
    await sleep(workMs, { signal });
    return next === undefined ? new Response('stock: 3') : await fetchNext(next, { signal });
  });
  const url = await listen(async (incoming, outgoing) => {
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
    const answer = await handler(new Request(url, { headers: Object.fromEntries(headers) as Record<string, string> }));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  return { url, visits, ends };
}

test('the time that is left shrinks from service to service, and the answer comes back', async () => {
  const stock = await startService(1);
  const orders = await startService(30, stock.url);
  const gateway = await startService(30, orders.url);
  const answer = await retryingFetch({ deadline: '5s' })(gateway.url);
  expect(await answer.text()).toBe('stock: 3');
  const left = [gateway, orders, stock].map(({ visits }) => visits[0]?.leftMs ?? Number.NaN);
  const [first = 0, second = 0, third = 0] = left;
  expect(first).toBeLessThanOrEqual(5000);
  expect(second).toBeLessThanOrEqual(first - 29);
  expect(third).toBeLessThanOrEqual(second - 29);
  expect(third).toBeGreaterThan(0);
  expect([gateway, orders, stock].map(({ visits }) => visits[0]?.attempt)).toEqual(['1', '1', '1']);
});

test('when the time is up every service stops, and the last one is never asked', async () => {
  const stock = await startService(1);
  const orders = await startService(60_000, stock.url);
  const gateway = await startService(1, orders.url);
  using signal = withDeadline(undefined, 1500);
  const error = await retryingFetch()(gateway.url, { signal }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED' });
  await expect
    .poll(() => [gateway.ends, orders.ends], { timeout: 10_000 })
    .toEqual([['MAKEGOOD_DEADLINE_EXCEEDED'], ['MAKEGOOD_DEADLINE_EXCEEDED']]);
  expect(stock.visits).toEqual([]);
});

test('expired work is refused before it is done, and the caller is told that nothing was', async () => {
  const stock = await startService(1);
  const answer = await fetch(stock.url, { headers: { 'Makegood-Deadline': '0' } });
  expect([answer.status, answer.headers.get('makegood-effect')]).toEqual([503, 'none']);
  expect(await answer.json()).toMatchObject({ code: 'deadline-expired' });
  expect(stock.visits).toEqual([]);
});

test("a handler of Node's own takes the deadline from its request, and leaves the queue with it when it is over", async () => {
  const done: string[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  const url = await listen(async (request, response) => {
    // The time runs from the arrival, so what waits in the queue for too long is not worked on.
    using signal = requestSignal(request);
    const turn = queue;
    queue = turn.then(() => sleep(60));
    await turn;
    if (signal.aborted) {
      const { status, headers, body } = deadlineProblem('deadline-expired');
      response.writeHead(status, headers).end(body);
      return;
    }
    done.push(request.url ?? '');
    response.end('done');
  });
  const impatient = retryingFetch({ maxAttempts: 1 });
  const first = impatient(`${url}first`);
  await (await first).text();
  const second = await fetch(`${url}second`, { headers: { 'Makegood-Deadline': '20' } });
  expect([second.status, ((await second.json()) as { code: string }).code]).toEqual([503, 'deadline-expired']);
  expect(done).toEqual(['/first']);
});
