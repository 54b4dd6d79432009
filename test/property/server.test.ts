/** Every operation of the document, with what chance sends: answered as the document says, never by a fault. */
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  dictionary,
  jsonValue,
  oneof,
  option,
  record,
  string,
  tuple,
} from 'fast-check';
import { expect, test } from 'vitest';
import { type Operation, operations } from '../../src/wire/operations.ts';
import { open, request, step } from '../behavior/server/bench.ts';

const rows = Object.entries<Operation>(operations).filter(([id]) => id !== 'watchEvents');
const magic = constantFrom(
  '__proto__',
  'constructor',
  'toString',
  '$from',
  'steps',
  'name',
  'after',
  'retry',
  'input',
  'a',
);
const name = oneof(
  constantFrom('s', 'a', '..', '.', '%2e%2e', '%00', 'a%20b', '%F0%9F%92%A9', '\u202e', '~'),
  string({ maxLength: 12 }),
);
const values = oneof(jsonValue({ maxDepth: 4 }), dictionary(magic, jsonValue({ maxDepth: 2 }), { maxKeys: 5 }));
const words = oneof(
  constantFrom('1', '-1', '1e9', '2026-01-01T00:00:00Z', 'running', '30s', 'NaN', ''),
  string({ maxLength: 8 }),
);

/** A request that is nearly right: a whole one with something of it replaced. */
const nearly = record(
  {
    name: oneof(constantFrom('trip'), values),
    steps: oneof(
      array(
        dictionary(oneof(magic, constantFrom('action', 'compensation', 'timeout', 'mode', 'pivot')), values, {
          maxKeys: 6,
        }),
        { maxLength: 3 },
      ),
      values,
    ),
    input: values,
    headers: oneof(dictionary(string({ maxLength: 6 }), string({ maxLength: 6 }), { maxKeys: 3 }), values),
    deadline: oneof(constantFrom('1s', '1h'), values),
  },
  { requiredKeys: [] },
);

/** The path with its names filled in, in turn. */
function filled(template: string, parts: readonly string[]): string {
  let place = 0;
  return template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(parts[place++ % parts.length] ?? 'a'));
}

test.each(rows)('%s', async (_, { method, path, body: shape, answers }) => {
  await using bench = await open();
  await bench.ask('POST', '/v1/sagas', request('s', [step('a', { timeout: '1h' })]));
  const prototype = Object.getOwnPropertyNames(Object.prototype);
  const parameters = dictionary(
    oneof(magic, constantFrom('limit', 'cursor', 'from', 'status', 'wait', 'phase')),
    words,
    { maxKeys: 2 },
  );
  await assert(
    asyncProperty(
      option(oneof(values, nearly)),
      parameters,
      array(name, { minLength: 1, maxLength: 2 }),
      async (body, query, parts) => {
        const search = new URLSearchParams(Object.entries(query)).toString();
        // Long waits are the client's to make, and time stands still here.
        if (search.includes('wait')) return;
        const content = shape === undefined || body === null ? {} : { body: JSON.stringify(body) };
        const headers = { 'content-type': 'application/json' };
        const answer = await bench.send(method, `${filled(path, parts)}?${search}`, { headers, ...content });
        if (answer.status < 400) expect(Object.keys(answers)).toContain(String(answer.status));
        else
          expect([answer.headers.get('content-type'), answer.status < 500]).toEqual(['application/problem+json', true]);
        await answer.body?.cancel();
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
      },
    ),
    { numRuns: 150 },
  );
});

test('headers of chance are answered, too', async () => {
  await using bench = await open();
  const headers = dictionary(
    constantFrom(
      'host',
      'origin',
      'authorization',
      'content-type',
      'last-event-id',
      'sec-fetch-site',
      'cookie',
      'content-length',
      'content-encoding',
    ),
    string({ maxLength: 20, unit: 'grapheme-ascii' }),
    { maxKeys: 4 },
  );
  await assert(
    asyncProperty(
      headers,
      tuple(constantFrom('GET', 'POST', 'PUT', 'DELETE'), constantFrom('/v1/sagas', '/v1/events', '/healthz')),
      async (given, [method, path]) => {
        const answer = await bench.send(method, path, { headers: given, ...(method === 'GET' ? {} : { body: '{}' }) });
        expect(answer.status).toBeLessThan(500);
        await answer.body?.cancel();
      },
    ),
    { numRuns: 300 },
  );
});
