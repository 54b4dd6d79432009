import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tokenLine } from '../../src/adapters/node/token-file.ts';
import { command, ScriptedPeers, ServerProcess } from './server-process.ts';

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const soon = { backoff: { kind: 'fixed', initialDelay: '50ms', jitter: 'none' }, maxAttempts: 4 };

function stepsAt(base: string, ...names: readonly string[]) {
  return names.map((name) => ({
    name,
    action: { url: `${base}/${name}` },
    compensation: { url: `${base}/${name}/undo` },
    retry: soon,
    maxFlight: 0,
    timeout: '2s',
  }));
}

describe('the attention webhook', () => {
  test('is told, signed, when a saga needs a person; after a kill it is told again under the same id', async () => {
    const key = randomBytes(32);
    const told: { headers: http.IncomingHttpHeaders; body: string }[] = [];
    const pager = http.createServer((request, reply) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.once('end', () => {
        told.push({ headers: request.headers, body });
        reply.writeHead(204).end();
        pager.emit('told');
      });
    });
    pager.listen(0, '127.0.0.1');
    await once(pager, 'listening');
    await using peers = new ScriptedPeers(() => 'silence');
    const file = join(tmpdir(), `makegood-webhook-${process.pid}`);
    writeFileSync(file, `whsec_${key.toString('base64')}\n`);
    const { port } = pager.address() as net.AddressInfo;
    const flags = ['--attention-webhook', `http://127.0.0.1:${port}/hook`, '--webhook-secret-file', file];
    await using server = new ServerProcess(flags);
    const base = await peers.listen();
    await server.start();
    const first = once(pager, 'told');
    await server.post('/v1/sagas', { id: 's', name: 'trip', steps: stepsAt(base, 'pay') });
    expect((await server.post('/v1/sagas/s/terminate')).status).toBe(202);
    await first;
    const second = once(pager, 'told');
    await server.restart();
    await second;
    const [one, two] = told as [(typeof told)[0], (typeof told)[0]];
    expect(two.headers['webhook-id']).toBe(one.headers['webhook-id']);
    for (const { headers, body } of told) {
      const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
      const mac = createHmac('sha256', key).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${mac}`);
      expect(JSON.parse(body)).toMatchObject({ data: { sagaId: 's' } });
    }
    pager.close();
  });

  test('without a secret, or for a target that may not be called, it refuses to start: 78', async () => {
    const file = join(tmpdir(), `makegood-webhook-${process.pid}`);
    writeFileSync(file, `whsec_${randomBytes(32).toString('base64')}`);
    const serve = ['serve', '--listen', '127.0.0.1:0', '--data', join(tmpdir(), `makegood-none-${process.pid}`)];
    for (const flags of [
      ['--attention-webhook', 'http://127.0.0.1:9/'],
      ['--attention-webhook', 'http://169.254.169.254/', '--webhook-secret-file', file],
    ])
      expect((await command([...serve, ...flags])).code).toBe(78);
  });
});

describe('kill -9, and a restart on the same folder', () => {
  test('during a call: it is made again under the next number, with the same key and a higher epoch; what was confirmed is not', async () => {
    let answers = false;
    await using peers = new ScriptedPeers(({ path }) => (path === '/hotel' && !answers ? 'silence' : {}));
    await using server = new ServerProcess();
    const base = await peers.listen();
    await server.start();
    await server.ask('POST', '/v1/sagas', { id: 's', name: 'trip', steps: stepsAt(base, 'car', 'hotel', 'boat') });
    await peers.seen(({ path }) => path === '/hotel');
    await server.kill();
    answers = true;
    await server.start();
    expect(await server.outcome('s')).toMatchObject({ status: 200, body: { status: 'completed' } });
    expect(peers.story).toEqual(['action /car 1', 'action /hotel 1', 'action /hotel 2', 'action /boat 1']);
    const hotel = peers.calls.filter(({ path }) => path === '/hotel');
    expect(new Set(hotel.map(({ key }) => key))).toEqual(new Set(['s/hotel/action']));
    expect(hotel[1]?.epoch).toBeGreaterThan(hotel[0]?.epoch ?? 0);
  });

  test('between two attempts: the backoff goes on, and attempts made before it count', async () => {
    await using peers = new ScriptedPeers(({ path, attempt }) =>
      path === '/hotel' && attempt < 3 ? { status: 503 } : {},
    );
    await using server = new ServerProcess();
    const base = await peers.listen();
    await server.start();
    const slow = { maxAttempts: 4, backoff: { kind: 'fixed', initialDelay: '1s', jitter: 'none' } };
    const steps = stepsAt(base, 'car', 'hotel');
    for (const step of steps) step.retry = slow;
    await server.ask('POST', '/v1/sagas', { id: 's', name: 'trip', steps });
    await peers.seen(({ path }) => path === '/hotel');
    await server.kill();
    await server.start();
    expect((await server.outcome('s')).body.status).toBe('completed');
    expect(peers.story.slice(0, 2)).toEqual(['action /car 1', 'action /hotel 1']);
    expect(peers.story.filter((line) => line.startsWith('action /car'))).toHaveLength(1);
    expect(peers.story.at(-1)).toBe('action /hotel 3');
  });

  test('right after 201: what was accepted is done', async () => {
    await using peers = new ScriptedPeers();
    await using server = new ServerProcess();
    const base = await peers.listen();
    await server.start();
    const request = { id: 's', name: 'trip', input: 7, steps: stepsAt(base, 'car') };
    expect((await server.ask('POST', '/v1/sagas', request)).status).toBe(201);
    await server.kill();
    await server.start();
    expect(await server.outcome('s')).toMatchObject({ body: { status: 'completed' } });
    expect((await server.ask('POST', '/v1/sagas', request)).status).toBe(200);
    expect(new Set(peers.calls.map(({ key }) => key)).size).toBe(1);
  });

  test('during an undoing: that is made again, counted, and then what came before', async () => {
    let deaf = true;
    await using peers = new ScriptedPeers(({ path }) => {
      if (path === '/boat') return { status: 409, body: { code: 'FULL', message: 'no room' } };
      return path === '/hotel/undo' && deaf ? 'silence' : {};
    });
    await using server = new ServerProcess();
    const base = await peers.listen();
    await server.start();
    await server.ask('POST', '/v1/sagas', {
      id: 's',
      name: 'trip',
      input: 1,
      steps: stepsAt(base, 'car', 'hotel', 'boat'),
    });
    await peers.seen(({ path }) => path === '/hotel/undo');
    await server.kill();
    deaf = false;
    await server.start();
    expect((await server.outcome('s')).body).toMatchObject({
      status: 'compensated',
      failure: { code: 'FULL', step: 'boat' },
    });
    expect(peers.story.slice(3)).toEqual([
      'compensation /hotel/undo 1',
      'compensation /hotel/undo 2',
      'compensation /car/undo 1',
    ]);
    expect(peers.calls.at(-1)?.body).toEqual({ input: 1, output: { of: '/car' } });
  });

  test('events are resumed behind the last one that was seen before it', async () => {
    await using peers = new ScriptedPeers();
    await using server = new ServerProcess();
    const base = await peers.listen();
    await server.start();
    await server.ask('POST', '/v1/sagas', { id: 's', name: 'trip', steps: stepsAt(base, 'car') });
    await server.outcome('s');
    const { items } = (await server.ask('GET', '/v1/sagas/s/history')).body;
    await server.kill();
    await server.start();
    const answer = await fetch(`${server.url}/v1/events`, { headers: { 'last-event-id': String(items[1].offset) } });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('saga-completed')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
      items.slice(2).map(({ offset }: { offset: number }) => offset),
    );
  });
});

test('SIGTERM awaits what is in flight, parks the rest, ends with 0; the next start goes on', async () => {
  await using peers = new ScriptedPeers(({ path, attempt }) =>
    path === '/hotel' && attempt === 1 ? { status: 503, headers: { 'retry-after': '2' } } : {},
  );
  await using server = new ServerProcess();
  const base = await peers.listen();
  await server.start();
  await server.ask('POST', '/v1/sagas', { id: 's', name: 'trip', steps: stepsAt(base, 'car', 'hotel') });
  await peers.seen(({ path }) => path === '/hotel');
  expect(await server.stop()).toBe(0);
  await server.start();
  expect((await server.outcome('s')).body.status).toBe('completed');
  expect(peers.story).toEqual(['action /car 1', 'action /hotel 1', 'action /hotel 2']);
});

test('a time-out is undone null-safely, with no output, and only once it cannot arrive any more', async () => {
  await using peers = new ScriptedPeers(({ path }) => (path === '/hotel' ? 'silence' : {}));
  await using server = new ServerProcess();
  const base = await peers.listen();
  await server.start();
  const [car, hotel] = stepsAt(base, 'car', 'hotel');
  const steps = [car, { ...hotel, timeout: '300ms', maxFlight: '700ms', retry: { maxAttempts: 1 } }];
  const began = Date.now();
  await server.ask('POST', '/v1/sagas', { id: 's', name: 'trip', input: 1, steps });
  await peers.seen(({ path }) => path === '/hotel/undo');
  expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  expect((await server.outcome('s')).body.status).toBe('compensated');
  expect(peers.calls.find(({ path }) => path === '/hotel/undo')?.body).toEqual({ input: 1 });
});

describe('S1 credentials', () => {
  test('asked of everything but health and the document; each right apart; taken back within 5 s', async () => {
    await using peers = new ScriptedPeers();
    await using reader = new ServerProcess();
    const tokens = join(reader.folder, 'tokens');
    writeFileSync(
      tokens,
      `# people\n${tokenLine('ops.s3cret', '*')}\n${tokenLine('eye.s3cret', 'read')}\n${tokenLine('old.s3cret', '*', '2020-01-01T00:00:00Z')}\n`,
    );
    await using server = new ServerProcess(['--token-file', tokens]);
    await server.start();
    const saga = { id: 's', name: 'trip', steps: stepsAt(await peers.listen(), 'car') };
    expect((await server.ask('GET', '/healthz')).status).toBe(200);
    expect((await server.ask('GET', '/v1/sagas')).status).toBe(401);
    expect((await server.ask('GET', '/v1/sagas', undefined, as('ops.wrong'))).status).toBe(401);
    expect((await server.ask('GET', '/v1/sagas', undefined, as('old.s3cret'))).status).toBe(401);
    expect((await server.ask('POST', '/v1/sagas', saga, as('eye.s3cret'))).status).toBe(403);
    expect((await server.ask('POST', '/v1/sagas', saga, as('ops.s3cret'))).status).toBe(201);
    expect((await server.ask('GET', '/v1/sagas', undefined, as('eye.s3cret'))).status).toBe(200);
    expect(server.log).not.toContain('s3cret');
    writeFileSync(tokens, `${tokenLine('ops.s3cret', '*')}\n`);
    await expect
      .poll(async () => (await server.ask('GET', '/v1/sagas', undefined, as('eye.s3cret'))).status, { timeout: 5000 })
      .toBe(401);
    appendFileSync(tokens, 'nonsense\n');
    expect((await server.ask('GET', '/v1/sagas', undefined, as('ops.s3cret'))).status).toBe(200);
  });
});

describe('what must not run ends with 78 and a reason', () => {
  test.each<[string, readonly string[], RegExp, Record<string, string>?]>([
    ['an open address without credentials', ['--listen', '0.0.0.0:0'], /credential/],
    ['every address, by the port alone behind a colon', ['--listen', ':0'], /credential/],
    ['an open IPv6 address', ['--listen', '[::]:0'], /credential/],
    ['--insecure on an open address', ['--listen', '0.0.0.0:0', '--insecure'], /insecure/],
    ['TLS that trusts anybody', [], /NODE_TLS_REJECT_UNAUTHORIZED/, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    ['a token file that is not there', ['--token-file', '/nowhere/tokens'], /tokens/],
    ['a configuration that is not there', ['--config', '/nowhere/config.ts'], /config/],
    ['half of TLS', ['--tls-cert', '/nowhere/cert.pem'], /belong together/],
    ['an egress target that is none', ['--allow-egress', 'http://x/'], /allowed targets/],
  ])('%s', async (_, flags, reason, env) => {
    await using folder = new ServerProcess();
    const ended = await command(
      ['serve', '--listen', '127.0.0.1:0', '--data', join(folder.folder, 'data'), ...flags],
      env,
    );
    expect(ended).toMatchObject({ code: 78, stdout: '' });
    expect(ended.stderr).toMatch(reason);
  });

  test('2 for an address that is none, 4 when another process has the folder', async () => {
    await using server = new ServerProcess();
    await server.start();
    expect((await command(['serve', '--listen', 'here'])).code).toBe(2);
    const second = await command(['serve', '--listen', '127.0.0.1:0', '--data', join(server.folder, 'data')]);
    expect(second).toMatchObject({ code: 4 });
  });
});

/** Sends bytes as they are, and reads until the other side ends. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('S3 a request that names no host, two, or one in its target is refused, and the connection closed', async () => {
  await using server = new ServerProcess();
  await server.start();
  const { host } = new URL(server.url);
  const end = 'Connection: close\r\n\r\n';
  expect(await raw(server.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n${end}`)).toContain('200 OK');
  expect(await raw(server.url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nHost: evil.com\r\n${end}`)).toMatch(
    / 4\d\d /,
  );
  expect(await raw(server.url, `GET http://evil.com/healthz HTTP/1.1\r\nHost: ${host}\r\n${end}`)).toMatch(/ 421 /);
  expect(await raw(server.url, `GET /healthz HTTP/1.1\r\n${end}`)).toMatch(/ 400 /);
  expect(await raw(server.url, `GET /healthz HTTP/1.1\r\nHost: evil.com\r\n${end}`)).toMatch(/ 421 /);
  expect(await raw(server.url, `TRACE /v1/sagas HTTP/1.1\r\nHost: ${host}\r\n${end}`)).toMatch(/ 4\d\d /);
});

test('registered sagas of a configuration are started by their name', async () => {
  await using server = new ServerProcess(['--config', new URL('server-config.ts', import.meta.url).pathname]);
  await server.start();
  expect((await server.ask('POST', '/v1/sagas', { id: 'g', name: 'greet', input: 'Ada' })).status).toBe(201);
  expect((await server.outcome('g')).body).toMatchObject({ status: 'completed', output: 'Hello Ada' });
});
