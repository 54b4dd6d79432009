import { describe, expect, test } from 'vitest';
import { open, request, step } from './bench.ts';

const json = { 'content-type': 'application/json' };
const body = JSON.stringify(request('s', [step('a')]));

describe('S2 forged requests change nothing', () => {
  const browser = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:7788', 'x-makegood': '1' };
  test.each<[string, Record<string, string>, number]>([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a form with files', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['JSON as plain text, which needs no preflight', { 'content-type': 'text/plain' }, 415],
    ['no type at all', {}, 415],
    ['a cross-site fetch', { ...json, 'sec-fetch-site': 'cross-site', 'x-makegood': '1' }, 403],
    ['a sibling subdomain', { ...json, 'sec-fetch-site': 'same-site', 'x-makegood': '1' }, 403],
    ['an opaque origin', { ...json, origin: 'null', 'x-makegood': '1' }, 403],
    ['another origin', { ...json, origin: 'https://evil.example', 'x-makegood': '1' }, 403],
    ['another port', { ...json, origin: 'http://evil.example:7788', 'x-makegood': '1' }, 403],
    ['an origin with a path', { ...json, origin: 'http://localhost:7788/x', 'x-makegood': '1' }, 403],
    [
      'an origin that only begins as ours',
      { ...json, origin: 'http://localhost:7788.evil.example', 'x-makegood': '1' },
      403,
    ],
    ['a cookie without the header of our own', { ...json, cookie: 'session=1' }, 403],
    ['a browser without the header of our own', { ...json, ...browser, 'x-makegood': '' }, 403],
    ['a browser whose header says something else', { ...json, ...browser, 'x-makegood': 'true' }, 403],
  ])('%s', async (_, headers, status) => {
    await using bench = await open();
    // A string would get a type of its own, which a forged request may lack.
    const answer = await bench.send('POST', '/v1/sagas', { headers, body: new TextEncoder().encode(body) });
    expect(answer.status).toBe(status);
    expect((await bench.ask('GET', '/v1/sagas')).body.items).toEqual([]);
  });

  test('our own page may', async () => {
    await using bench = await open();
    expect((await bench.send('POST', '/v1/sagas', { headers: { ...json, ...browser }, body })).status).toBe(201);
  });

  test("Node's own fetch is no browser: it says how it fetches, and not for whom", async () => {
    await using bench = await open();
    expect(
      (await bench.send('POST', '/v1/sagas', { headers: { ...json, 'sec-fetch-mode': 'cors' }, body })).status,
    ).toBe(201);
    const dest = { ...json, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
    expect((await bench.send('POST', '/v1/sagas', { headers: dest, body })).status).toBe(403);
  });

  test('a method override is not heard, and reading changes nothing', async () => {
    await using bench = await open();
    await bench.ask('POST', '/v1/sagas', request('s', [step('a', { timeout: '1h' })]));
    const headers = { 'x-http-method-override': 'POST', 'sec-fetch-site': 'cross-site' };
    expect((await bench.send('GET', '/v1/sagas/s/cancel', { headers })).status).toBe(405);
  });

  test('no answer has a CORS header', async () => {
    await using bench = await open();
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await bench.send(method, '/v1/sagas', { headers: { origin: 'https://evil.example' } });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('S3 a server answers under its own names alone', () => {
  test.each([
    'evil.com',
    'evil.com:7788',
    '127.0.0.1.evil.com',
    'localhost.',
    'LOCALHOST',
    'localhost.:7788',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '127.0.0.2',
    '127.1',
    'localhost:7788@evil.com',
    'localhost, evil.com',
    'localhost:999999',
    '',
  ])('421 for Host %j', async (host) => {
    await using bench = await open();
    for (const path of ['/healthz', '/v1/sagas']) {
      const answer = await bench.server.handle(
        new Request(`http://localhost${path}`, { headers: host === '' ? {} : { host } }),
      );
      expect(answer.status).toBe(421);
    }
  });

  test('those it was given, to the letter', async () => {
    await using bench = await open({ hosts: ['sagas.internal'] });
    const statusFor = async (host: string): Promise<number> =>
      (await bench.send('GET', '/healthz', { headers: { host } })).status;
    expect(await statusFor('sagas.internal')).toBe(200);
    expect(await statusFor('sagas.internal:80')).toBe(421);
    expect(await statusFor('localhost')).toBe(421);
  });
});

describe('S5 bodies', () => {
  const post = (
    content: Exclude<RequestInit['body'], null | undefined>,
    headers: Record<string, string> = json,
  ): RequestInit & { duplex: 'half' } => ({
    headers,
    body: content,
    duplex: 'half',
  });

  test.each<[string, Exclude<RequestInit['body'], null | undefined>, Record<string, string>, number, string]>([
    ['longer than 1 MiB, as declared', '{}', { ...json, 'content-length': '1048577' }, 413, 'too-large'],
    ['longer than 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, json, 413, 'too-large'],
    ['nested 65 deep', '['.repeat(65) + ']'.repeat(65), json, 422, 'too-deep'],
    ['compressed', 'x', { ...json, 'content-encoding': 'gzip' }, 415, 'not-json'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), json, 400, 'unreadable-json'],
    ['a number of 100,000 digits', `{"name":"a","input":${'9'.repeat(100_000)}}`, json, 422, 'not-finite'],
  ])('%s', async (_, content, headers, status, code) => {
    await using bench = await open();
    const answer = await bench.send('POST', '/v1/sagas', post(content, headers));
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
  });

  test('one that does not end is read to its bound and no further', async () => {
    await using bench = await open();
    let read = 0;
    const endless = new ReadableStream({
      pull(controller) {
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    expect((await bench.send('POST', '/v1/sagas', post(endless))).status).toBe(413);
    expect(read).toBeLessThan(2 * 1024 * 1024);
  });
});
