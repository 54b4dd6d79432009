/** S6 and S17 at the server: documents and requests that chance has made, through every route. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { remoteParticipants } from '../../src/testing/index.ts';
import { operations } from '../../src/wire/operations.ts';
import { serverWorld } from './server-world.ts';

const fuzz = Number(process.env['MAKEGOOD_FUZZ'] ?? 1);
const random = seededRandom(66);

function pick<Value>(values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

const words = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'a',
  's',
  '',
  '.',
  '..',
  '%00',
  '%2e%2e',
  '%',
  '\u202e',
  'x'.repeat(300),
  '-1',
  '1e999',
  '\ud800',
];
const urls = ['http://p/', 'http://p/x', 'http://[', 'javascript:1', '', 'http://u:p@h/'];
const keys = [
  'id',
  'name',
  'version',
  'input',
  'headers',
  'deadline',
  'steps',
  'after',
  'action',
  'compensation',
  'status',
  'url',
  'method',
  'retry',
  'maxAttempts',
  'backoff',
  'kind',
  'retryOn',
  'timeout',
  'pivot',
  'readOnly',
  'note',
  'args',
  'reason',
  'initialDelay',
  '$from',
  ...words,
];

function anyJson(depth: number): unknown {
  const draw = random();
  if (depth === 0 || draw < 0.35)
    return pick([null, true, false, 0, -1, 1.5, 1e308, ...words, ...urls, '3s', '5xx', 'results.a', 'input']);
  if (draw < 0.5) return Array.from({ length: Math.floor(random() * 4) }, () => anyJson(depth - 1));
  return Object.fromEntries(Array.from({ length: Math.floor(random() * 6) }, () => [pick(keys), anyJson(depth - 1)]));
}

/** Nearly a request for a saga: right but for one place. */
function nearly(): unknown {
  const step = (name: string) => ({
    name,
    action: { url: pick(urls) },
    compensation: { url: 'http://p/' },
    ...(random() < 0.7 ? { [pick(keys)]: anyJson(3) } : {}),
  });
  return {
    id: pick(['s', 't', 'u', pick(words)]),
    name: 'x',
    steps: [step('a'), step(pick(['b', 'a', pick(words)]))],
    ...(random() < 0.5 ? { [pick(keys)]: anyJson(3) } : {}),
  };
}

function mangled(text: string): string {
  const at = Math.floor(random() * text.length);
  return random() < 0.2
    ? text.slice(0, at) + pick(['"', '{', '\\u', '\0', ',', ']', '1e9999', '"__proto__":1,']) + text.slice(at)
    : text;
}

test(
  'S6.1 S17: 3,000 requests are each answered with a status of the document, and leave no trace in a prototype',
  async () => {
    const faults: unknown[] = [];
    const caller = remoteParticipants({ 'http://p/': () => new Response('{"__proto__":{"polluted":true}}') });
    await using world = await serverWorld({
      caller,
      observer: (event) => {
        if (event.type === 'server.fault') faults.push(event);
      },
    });
    const all = Object.values(operations);
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (let count = 0; count < 3000 * fuzz; count++) {
      const { method, path } = pick(all);
      const url = path.replaceAll(/\{\w+\}/g, () =>
        encodeURI(pick(['s', 'a', 't', pick(words)]).replaceAll('\ud800', '')),
      );
      const query = random() < 0.3 ? `?${encodeURI(`${pick(keys)}=${pick(words)}`.replaceAll('\ud800', ''))}` : '';
      const body = JSON.stringify(random() < 0.5 ? nearly() : anyJson(5));
      const init = method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: mangled(body) };
      const started = performance.now();
      const answer = await world.send(method, `${url}${query}`, init);
      expect(performance.now() - started).toBeLessThan(5000);
      expect([init, answer.status >= 200 && answer.status < 500]).toEqual([init, true]);
    }
    expect(faults).toEqual([]);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  },
  60_000 * fuzz,
);
