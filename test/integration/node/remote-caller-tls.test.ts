import https, { type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeCaller, type NodeCallerOptions } from '../../../src/adapters/node/index.ts';
import type { RemoteAnswer } from '../../../src/outbound/index.ts';
import { callOf, rawServer } from './caller-world.ts';
import { type Certificate, selfSigned } from './certificates.ts';

const stock = selfSigned('DNS:stock.test');
const client = selfSigned('DNS:tempo.test');
const here = async () => [{ address: '127.0.0.1', family: 4 }];
const allow = ['stock.test', 'other.test', '127.0.0.0/8'];

interface Served {
  requests: number;
  serverName: string | false;
  readonly port: number;
}

let served: Served;
let server: https.Server;

async function listen(options: ServerOptions): Promise<https.Server> {
  const made = https.createServer({ ...stock, ...options }, (request, response) => {
    served.requests++;
    served.serverName = (request.socket as TLSSocket).servername ?? false;
    response.setHeader('Content-Type', 'application/json').end('{"id":7}');
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  served = { requests: 0, serverName: false, port: (made.address() as AddressInfo).port };
  return made;
}

async function call(host: string, options: NodeCallerOptions): Promise<RemoteAnswer> {
  await using caller = nodeCaller({ allow, resolve: here, ...options });
  return await caller.call(callOf(`https://${host}:${served.port}/`));
}

const trusting = (authority: Certificate): NodeCallerOptions => ({ tls: { ca: authority.cert } });

beforeAll(async () => {
  server = await listen({});
});

afterAll(() => server.close());

test('a trusted certificate of the right name: answered; the name is told, though the address is pinned', async () => {
  expect(await call('stock.test', trusting(stock))).toMatchObject({ kind: 'answered', body: '{"id":7}' });
  expect(served.serverName).toBe('stock.test');
});

test.each([
  ['a certificate that nobody vouches for', 'stock.test', {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['a certificate of another authority', 'stock.test', trusting(client), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['a certificate of another name', 'other.test', trusting(stock), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['a certificate of another name, by address', '127.0.0.1', trusting(stock), 'ERR_TLS_CERT_ALTNAME_INVALID'],
])('not sent: %s', async (_, host, options, code) => {
  const before = served.requests;
  expect(await call(host, options)).toMatchObject({ kind: 'not-sent', error: { code } });
  expect(served.requests).toBe(before);
});

test('not sent, whatever the environment says about checking certificates', async () => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    expect(await call('stock.test', {})).toMatchObject({ kind: 'not-sent' });
  } finally {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  }
});

test('not sent: what listens does not speak TLS, or is silent until the time is over', async () => {
  await using plain = await rawServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await using caller = nodeCaller({ allow: ['loopback'] });
  expect(await caller.call(callOf(`https://127.0.0.1:${plain.port}/`, 300))).toMatchObject({ kind: 'not-sent' });
});

test('a participant that asks for a certificate gets the one that is given, and refuses without', async () => {
  const asking = await listen({ requestCert: true, rejectUnauthorized: true, ca: client.cert });
  try {
    const { cert, key } = client;
    expect(await call('stock.test', { tls: { ca: stock.cert, cert, key } })).toMatchObject({ kind: 'answered' });
    // With TLS 1.3 the refusal comes after the handshake, when the request may have been read: then it is not "not sent".
    expect((await call('stock.test', trusting(stock))).kind).not.toBe('answered');
    expect(served.requests).toBe(1);
  } finally {
    asking.close();
  }
});
