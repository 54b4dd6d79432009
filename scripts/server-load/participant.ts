/** A participant that does nothing, in a process of its own: `node participant.ts` prints its port. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const server = http.createServer((request, reply) => {
  request.resume();
  request.once('end', () => {
    reply.writeHead(200, { 'content-type': 'application/json' });
    reply.end('{"id":"r-1"}');
  });
});
// Longer than the caller keeps a connection: who closes first must not be the one who is about to be asked.
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on('disconnect', () => process.exit());
