/** S10 at the server: what no answer may hold. */
import { expect, test } from 'vitest';
import { saga } from '../../src/saga/index.ts';
import { operations } from '../../src/wire/operations.ts';
import { remoteParticipants } from '../../src/testing/index.ts';
import { serverWorld } from './server-world.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const paths = [...new Set(Object.values(operations).map(({ path }) => path))];

test('S10.2 nothing of the environment, of sources or of a stack is in any answer, of any route and method', async () => {
  const secret = 'c4n4ry-environment';
  process.env['MAKEGOOD_TEST_SECRET'] = secret;
  // A mistake of ours, that tells all it knows.
  const clumsy = saga('clumsy')
    .input({
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: () => {
          throw new Error(`${secret} ${JSON.stringify(process.env)}`);
        },
      },
    } as never)
    .step('a', { run: () => 1, readOnly: true })
    .output();
  const caller = remoteParticipants({ 'http://p/': () => new Response('1') });
  await using world = await serverWorld({ sagas: [clumsy], caller });
  await world.post('/v1/sagas', {
    id: 's',
    name: 'x',
    steps: [{ name: 'a', action: { url: 'http://p/' }, readOnly: true }],
  });
  const bodies = [
    '{}',
    '{',
    '[]',
    JSON.stringify({ name: 'clumsy' }),
    JSON.stringify({ name: 'x', steps: [{}] }),
    '"x"',
  ];
  let answers = 0;
  for (const path of [...paths, '/', '/v1', '/../../etc/passwd', '/v1/sagas/%00', '/.env', '/server.ts']) {
    for (const method of methods) {
      for (const body of method === 'GET' || method === 'HEAD' ? [undefined] : bodies) {
        const url = path
          .replace('{id}', 's')
          .replace('{step}', 'a')
          .replaceAll(/\{\w+\}/g, 'x');
        const init = body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } };
        const { status, text, headers } = await world.send(method, url, init);
        answers++;
        expect(status).toBeLessThan(600);
        const all = `${text}${[...headers].join('\n')}`;
        expect([method, url, all.includes(secret)]).toEqual([method, url, false]);
        expect([method, url, /node:internal|\.ts:\d+|at \w+ \(|PATH=|HOME=/.exec(all)?.[0]]).toEqual([
          method,
          url,
          undefined,
        ]);
      }
    }
  }
  expect(answers).toBeGreaterThan(500);
  delete process.env['MAKEGOOD_TEST_SECRET'];
});

test('S10.1 what a client sent is in no problem, no metric, no list and no log line', async () => {
  const canaries = Array.from({ length: 40 }, (_, place) => `c4n4ry-${place}-xxxxxxxx`);
  const told: string[] = [];
  const caller = remoteParticipants({
    'http://p/fails': () => new Response(null, { status: 500 }),
    'http://p/': () => Response.json({ token: canaries[0] }),
  });
  await using world = await serverWorld({
    caller,
    observer: (event) => {
      if (event.type !== 'saga.record') told.push(JSON.stringify(event));
    },
  });
  const call = (url: string) => ({
    url: `http://p/${url}?key=${canaries[1]}`,
    headers: { authorization: canaries[2] ?? '' },
  });
  const retry = { maxAttempts: 1 };
  const start = {
    id: 's',
    name: 'x',
    input: { card: canaries[3] },
    headers: { cookie: canaries[4] },
    steps: [
      { name: 'a', action: call('a'), compensation: call('b'), input: { secret: canaries[5] } },
      { name: 'b', action: call('fails'), compensation: call('b'), retry, barrier: true },
    ],
  };
  const answers = [
    await world.post('/v1/sagas', JSON.stringify(start)),
    await world.send('GET', '/v1/sagas/s/outcome?wait=10s'),
    await world.post('/v1/sagas', JSON.stringify({ ...start, input: { card: canaries[6] } })),
    await world.post(
      '/v1/sagas',
      `{"id":"t","name":"x","steps":[],"input":{"a":"${canaries[7]}","a":"${canaries[8]}"}}`,
    ),
    await world.post('/v1/sagas', `{"id":"t","name":"x","input":"${canaries[9]}`),
    await world.post('/v1/sagas', { id: 't', name: 'x', unknown: canaries[10] ?? '' }),
    await world.post('/v1/sagas', { id: 't', name: 'x', deadline: { secret: canaries[11] ?? '' } }),
    await world.post('/v1/sagas', { ...start, id: 't', headers: { 'x-note': `${canaries[12]}\n` } } as never),
    await world.post('/v1/sagas/s/cancel', { reason: 7, secret: canaries[13] ?? '' }),
    await world.post('/v1/sagas/s/signals/go', { secret: canaries[14] ?? '' }),
    await world.send('GET', '/v1/sagas'),
    await world.send('GET', '/v1/attention'),
    await world.send('GET', '/metrics'),
    await world.send('GET', `/v1/sagas?token=${canaries[15]}`, {
      headers: { authorization: `Bearer ${canaries[16]}` },
    }),
  ];
  // The view of a saga is for whoever may read it, and has its input and outputs; everything else has none of it.
  const others = answers.slice(2).map(({ text }) => text);
  const shown = [...others, ...told].join('\n');
  expect(canaries.filter((secret) => shown.includes(secret))).toEqual([]);
  expect(told.length).toBeGreaterThan(10);
});
