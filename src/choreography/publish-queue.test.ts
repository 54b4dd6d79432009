import { expect, test } from 'vitest';
import type { BrokerMessage } from './broker.ts';
import { PublishQueue } from './publish-queue.ts';

const message = (id: string): BrokerMessage => ({ topic: 't', key: 'k', id, value: '' });

test('one request at a time, and what comes meanwhile goes together, in its order', async () => {
  const requests: string[] = [];
  const first = Promise.withResolvers<void>();
  const queue = new PublishQueue(async (messages) => {
    requests.push(messages.map(({ id }) => id).join(' '));
    if (requests.length === 1) await first.promise;
  });
  const all = ['1', '2', '3'].map((id) => queue.publish([message(id), message(`${id}b`)]));
  expect(requests).toEqual(['1 1b']);
  first.resolve();
  await Promise.all(all);
  await queue.idle();
  expect(requests).toEqual(['1 1b', '2 2b 3 3b']);
});

test('a request that is refused is told to those who were in it, and the next one is made', async () => {
  let requests = 0;
  const queue = new PublishQueue(() => (++requests === 1 ? Promise.reject(new Error('away')) : Promise.resolve()));
  const [first, second] = await Promise.allSettled([queue.publish([message('1')]), queue.publish([message('2')])]);
  expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled']);
});
