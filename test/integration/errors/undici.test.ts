// Errors of undici and of HTTP/2, beyond those that Node's own fetch shows (src/predicate/provoked-errors.test.ts).
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, constants, createServer as createHttp2Server } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { Agent, fetch, interceptors, request } from 'undici';
import { closedPort, failureOf, kindOf, kindOfError, listening, silentPort } from './provoke.ts';

async function httpServer(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createHttpServer((_request, response) => answer(response));
  onTestFinished(() => server.closeAllConnections());
  return `http://127.0.0.1:${await listening(server)}`;
}

function agent(options: Agent.Options): Agent {
  const made = new Agent(options);
  onTestFinished(() => made.destroy());
  return made;
}

test('headers and bodies that do not come in time are time-outs', async () => {
  const impatient = agent({ headersTimeout: 50, bodyTimeout: 50 });
  const silent = `http://127.0.0.1:${await silentPort()}`;
  const late = await failureOf(request(silent, { dispatcher: impatient }));
  expect(late).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  expect(kindOfError(late)).toBe('timeout');
  expect(await kindOf(fetch(silent, { dispatcher: impatient }))).toBe('timeout');
  const half = await httpServer((response) => void response.writeHead(200).write('half'));
  const { body } = await request(half, { dispatcher: impatient });
  const stuck = await failureOf(body.text());
  expect(stuck).toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' });
  expect(kindOfError(stuck)).toBe('timeout');
});

test('no server, and one that hangs up: transient; a cancel is an abort', async () => {
  expect(await kindOf(request(`http://127.0.0.1:${await closedPort()}`))).toBe('transient');
  const url = await httpServer((response) => response.socket?.destroy());
  const error = await failureOf(request(url));
  expect(error).toMatchObject({ code: 'UND_ERR_SOCKET' });
  expect(kindOfError(error)).toBe('transient');
  const silent = await httpServer(() => {});
  expect(await kindOf(request(silent, { signal: AbortSignal.timeout(20) }))).toBe('timeout');
  const controller = new AbortController();
  const waiting = kindOf(request(silent, { signal: controller.signal }));
  controller.abort();
  expect(await waiting).toBe('abort');
});

test('a status that undici throws is judged as the status it is, and mistakes are not transient', async () => {
  const throwing = { dispatcher: agent({}).compose(interceptors.responseError()) };
  const busy = await httpServer((response) => void response.writeHead(503).end());
  expect(await kindOf(request(busy, throwing))).toBe('transient');
  const missing = await httpServer((response) => void response.writeHead(404).end());
  expect(await kindOf(request(missing, throwing))).toBe('no');
  expect(await kindOf(fetch('no url'))).toBe('no');
  expect(await kindOf(request(busy, { method: 'a b' as never }))).toBe('no');
  const gone = agent({});
  await gone.destroy();
  expect(await kindOf(request(busy, { dispatcher: gone }))).toBe('no');
});

test('an HTTP/2 stream that was refused is transient, one that was broken off for another reason is not', async () => {
  const server = createHttp2Server();
  let code = constants.NGHTTP2_REFUSED_STREAM;
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.close(code);
  });
  const session = connect(`http://127.0.0.1:${await listening(server)}`);
  onTestFinished(() => session.destroy());
  const refused = await failureOf(once(session.request(), 'response'));
  expect(refused).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  expect(kindOfError(refused)).toBe('transient');
  code = constants.NGHTTP2_PROTOCOL_ERROR;
  expect(await kindOf(once(session.request(), 'response'))).toBe('no');
});
