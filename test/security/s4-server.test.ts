/** S4 at the server: sagas whose steps a client names. */
import { expect, test } from 'vitest';
import { nodeCaller } from '../../src/adapters/node/index.ts';
import { hostileUrls } from './hostile-urls.ts';
import { codeOf, serverWorld } from './server-world.ts';

const safe = 'http://93.184.215.14/';

test('S4.1 a saga that names such a target, for whatever call, is refused with 422, and nothing is stored or called', async () => {
  const asked: string[] = [];
  const resolve = (name: string) => {
    asked.push(name);
    return Promise.resolve([{ address: '169.254.169.254', family: 4 }]);
  };
  await using caller = nodeCaller({ resolve });
  await using world = await serverWorld({ caller });
  const stored: string[] = [];
  for (const [place, url] of hostileUrls.entries()) {
    for (const target of ['action', 'compensation', 'status'] as const) {
      const step = {
        name: 'a',
        action: { url: safe },
        compensation: { url: safe },
        status: { url: safe },
        [target]: { url },
      };
      const answer = await world.post('/v1/sagas', { id: `s${place}-${target}`, name: 'ssrf', steps: [step] });
      if (answer.status === 201) stored.push(new URL(url).hostname);
      else
        expect([url, answer.status, codeOf(answer)]).toEqual([
          url,
          422,
          expect.stringMatching(/^(?:egress-refused|invalid)$/),
        ]);
    }
  }
  // Of a name nothing is known until it is resolved, and that is done when it is called.
  expect(stored.filter((host) => !/[a-z]{2}$/.test(host))).toEqual([]);
  const { text } = await world.send('GET', '/v1/sagas?limit=200');
  expect((JSON.parse(text) as { readonly items: readonly unknown[] }).items).toHaveLength(stored.length);
  expect(asked.filter((name) => !stored.includes(name))).toEqual([]);
});

test('S4.1 a saga that was accepted before the list became shorter is refused at the call, and undone', async () => {
  await using caller = nodeCaller({ resolve: () => Promise.resolve([{ address: '10.0.0.7', family: 4 }]) });
  await using world = await serverWorld({ caller });
  const step = {
    name: 'a',
    action: { url: 'http://inside.example/' },
    compensation: { url: 'http://inside.example/' },
  };
  expect((await world.post('/v1/sagas', { id: 's', name: 'ssrf', steps: [step] })).status).toBe(201);
  const outcome = await world.send('GET', '/v1/sagas/s/outcome?wait=5s');
  expect(JSON.parse(outcome.text)).toMatchObject({
    status: 'compensated',
    failure: { code: 'MAKEGOOD_EGRESS_REFUSED', step: 'a' },
  });
});
