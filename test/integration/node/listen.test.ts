import http from 'node:http';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { listen } from '../../../src/server/listen.ts';

const local = { host: '127.0.0.1', port: 0 };

/** A request on a connection that is kept. */
function get(url: string, agent: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.once('end', () => resolve(text));
    });
    request.once('error', reject);
  });
}

describe('closing', () => {
  test('a connection in use is answered, and does not keep the server open afterwards', async () => {
    const opened = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const listener = await listen(async () => {
      begun.resolve();
      await opened.promise;
      return new Response('done');
    }, local);
    const agent = new http.Agent({ keepAlive: true });
    const answered = get(listener.url, agent);
    await begun.promise;
    const startedMs = performance.now();
    const closed = listener.close();
    opened.resolve();
    expect(await answered).toBe('done');
    await closed;
    // The connection would be kept for 65 s.
    expect(performance.now() - startedMs).toBeLessThan(4000);
    agent.destroy();
  });

  test('idle connections are closed at once; a second close waits for the first', async () => {
    const listener = await listen(async () => new Response('done'), local);
    const agent = new http.Agent({ keepAlive: true });
    await get(listener.url, agent);
    await Promise.all([listener.close(), listener.close()]);
    await expect(get(listener.url, agent)).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket hang up/);
    agent.destroy();
  });
});

describe('a peer that goes away', () => {
  test('aborts the signal of its request', async () => {
    const aborted = Promise.withResolvers<void>();
    await using listener = await listen(({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      return new Promise<Response>(() => undefined);
    }, local);
    const socket = net.connect(listener.port, '127.0.0.1', () => {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      setTimeout(() => socket.destroy(), 50);
    });
    await aborted.promise;
  });

  test('cancels the stream that it was reading', async () => {
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(': here\n\n')),
      cancel: () => cancelled.resolve(),
    });
    await using listener = await listen(
      async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
      local,
    );
    const request = http.get(listener.url, (answer) => answer.once('data', () => request.destroy()));
    request.once('error', () => undefined);
    await cancelled.promise;
  });
});

test('an address that is taken is refused, with what to do', async () => {
  await using first = await listen(async () => new Response(''), local);
  await expect(listen(async () => new Response(''), { ...local, port: first.port })).rejects.toMatchObject({
    code: 'MAKEGOOD_LISTEN',
    message: expect.stringContaining('EADDRINUSE'),
  });
});
