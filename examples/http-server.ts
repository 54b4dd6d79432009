// A server that restores its caller's deadline, hands it on, and refuses what is expired. Runs on loopback.

import { retryingFetch } from 'makegood/http';

// Stands in for the shop behind this server.
const shop = async (): Promise<Response> => new Response('3 left');

// #region web
import { deadlineHandler } from 'makegood/http';
import { remainingMs } from 'makegood/time';

const fetchShop = retryingFetch({ fetch: shop });

const serve = deadlineHandler(
  async (request, { signal }) => {
    if (remainingMs(signal) < 50) return new Response('some left'); // from the cache
    return await fetchShop(request.url, { signal }); // the shop is told what is left
  },
  { maxDeadline: '30s', defaultDeadline: '10s' },
);

const request = new Request('https://shop.example/stock', { headers: { 'Makegood-Deadline': '2000' } });
console.log(await (await serve(request)).text()); // prints: 3 left

const expired = new Request('https://shop.example/stock', { headers: { 'Makegood-Deadline': '0' } });
const refusal = await serve(expired);
console.log(refusal.status, refusal.headers.get('makegood-effect')); // prints: 503 none
// #endregion

// #region node
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deadlineProblem, requestSignal } from 'makegood/http';

async function serveStock(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  using signal = requestSignal(incoming); // counts from here, also while the request waits for its turn
  if (signal.aborted) {
    const { status, headers, body } = deadlineProblem('deadline-expired');
    outgoing.writeHead(status, headers).end(body);
    return;
  }
  const stock = await fetchShop('https://shop.example/stock', { signal });
  outgoing.end(await stock.text());
}
// #endregion

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((incoming, outgoing) => void serveStock(incoming, outgoing)).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(await (await fetch(url)).text()); // prints: 3 left
console.log((await fetch(url, { headers: { 'Makegood-Deadline': '0' } })).status); // prints: 503
server.close();
server.closeAllConnections();
