/** S4: requests that are made on behalf of somebody else, to where he cannot reach himself. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeCaller } from '../../src/adapters/node/index.ts';
import { memoryJournal } from '../../src/journal/index.ts';
import { http as remote, type RemoteAnswer } from '../../src/outbound/index.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { callOf } from '../integration/node/caller-world.ts';
import { dnsServer } from './dns-server.ts';
import { hostileUrls } from './hostile-urls.ts';

let canary: http.Server;
let canaryPort: number;
let hits = 0;

beforeAll(async () => {
  // Whatever reaches this machine, by any of its addresses, is counted.
  canary = http.createServer((_, response) => void response.end(String(++hits)));
  await new Promise<void>((resolve) => canary.listen(0, resolve));
  canaryPort = (canary.address() as AddressInfo).port;
});

afterAll(() => canary.close());

/** What names lead to: those with an address in them to that, those of metadata services to theirs, others to this machine. */
async function worstResolver(name: string) {
  const inside = /(?<quad>\d+[.-]\d+[.-]\d+[.-]\d+)\./.exec(name)?.groups?.['quad']?.replaceAll('-', '.');
  return [{ address: inside ?? (name.startsWith('metadata') ? '169.254.169.254' : '127.0.0.1'), family: 4 }];
}

describe('S4.1 every spelling of an address that must not be called', () => {
  test('the corpus is as large as it claims', () => {
    expect(hostileUrls.length).toBeGreaterThanOrEqual(120);
  });

  test('registering: a saga with such a step is refused, where the spelling alone can tell', async () => {
    await using caller = nodeCaller();
    const passed: string[] = [];
    for (const url of hostileUrls) {
      try {
        const definition = saga('s')
          .input<null>()
          .step('a', remote({ url, readOnly: true }))
          .output();
        await (await openTempo({ journal: memoryJournal(), sagas: [definition], caller })).close();
        passed.push(url);
      } catch (error) {
        const { code } = error as { readonly code?: string };
        expect([code, url]).toEqual([error instanceof TypeError ? undefined : 'MAKEGOOD_EGRESS_REFUSED', url]);
      }
    }
    // Names must be resolved first: what they lead to is found at the call.
    expect(passed.map((url) => new URL(url).hostname).filter((host) => !/[a-z]{2}$/.test(host))).toEqual([]);
  });

  test('calling: forbidden, whatever the name resolves to, and nothing is connected to', async () => {
    await using caller = nodeCaller({ resolve: worstResolver });
    for (const url of hostileUrls) {
      // The same host with the canary's port: if anything got through to this machine, it would be counted.
      const parsed = URL.parse(url);
      if (parsed !== null && parsed.host !== '') parsed.port = String(canaryPort);
      const answer = await caller.call(callOf(parsed?.href ?? url, 1000));
      expect([url, answer.kind]).toEqual([url, 'forbidden']);
    }
    expect(hits).toBe(0);
  });

  test('being redirected: the answer is a 302, and nothing else is called', async () => {
    let place = 0;
    const redirecting = http.createServer((_, response) => {
      const location = Buffer.from(hostileUrls[place] ?? '', 'utf8')
        .toString('latin1')
        .replaceAll(/[\r\n]/g, '');
      response.writeHead(302, { Location: location.replaceAll('/latest', `:${canaryPort}/latest`) }).end();
    });
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/`;
    await using caller = nodeCaller({ allow: ['loopback'] });
    for (place = 0; place < hostileUrls.length; place++) {
      expect(await caller.call(callOf(url))).toMatchObject({ kind: 'answered', status: 302 });
    }
    expect(hits).toBe(0);
    redirecting.close();
  });
});

async function callMany(
  calls: number,
  answer: (question: number) => readonly string[],
): Promise<Record<string, number>> {
  await using dns = await dnsServer(answer);
  await using caller = nodeCaller({ allow: ['127.0.0.2'], resolve: dns.resolve });
  const kinds: Record<string, number> = {};
  const one = async (): Promise<void> => {
    const { kind }: RemoteAnswer = await caller.call(callOf(`http://rebind.test:${canaryPort}/`, 5000));
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  };
  for (let made = 0; made < calls; made += 40)
    await Promise.all(Array.from({ length: Math.min(40, calls - made) }, one));
  return kinds;
}

describe('S4.2 a name that says something else the second time', () => {
  let good: http.Server;
  let reached = 0;

  beforeAll(async () => {
    // 127.0.0.2 stands for the public address, on the canary's port; 127.0.0.1 is what must not be reached.
    good = http.createServer((_, response) => {
      reached++;
      response.writeHead(204, { Connection: 'close' }).end();
    });
    canary.close();
    canary = http.createServer((_, response) => void response.end(String(++hits)));
    await new Promise<void>((resolve) => canary.listen(canaryPort, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => good.listen(canaryPort, '127.0.0.2', resolve));
  });

  afterAll(() => good.close());

  test('10,000 calls of a name that is good and bad in turn: none gets to where it must not', async () => {
    const kinds = await callMany(10_000, (question) => [question % 2 === 1 ? '127.0.0.2' : '127.0.0.1']);
    expect(hits).toBe(0);
    expect(reached).toBe(kinds['answered']);
    expect(kinds['answered']).toBeGreaterThan(1000);
    expect(kinds['forbidden']).toBeGreaterThan(1000);
  }, 60_000);

  test('one bad address among good ones forbids all', async () => {
    expect(await callMany(8, () => ['127.0.0.2', '127.0.0.1'])).toEqual({ forbidden: 8 });
    expect(hits).toBe(0);
  });
});
