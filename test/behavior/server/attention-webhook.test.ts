/** A webhook is told of what waits for a person: signed, at least once, bounded, and never in the way of a saga. */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { webhookSignature } from '../../../src/adapters/node/webhook-signature.ts';
import { attentionWebhook, type AttentionWebhookOptions } from '../../../src/server/attention-webhook.ts';
import { memoryJournal } from '../../../src/journal/memory-journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { RemoteCaller } from '../../../src/outbound/remote-caller.ts';
import { saga } from '../../../src/saga/saga.ts';
import { recordingObserver } from '../../../src/testing/recording-observer.ts';
import { type RemoteHandler, remoteParticipants } from '../../../src/testing/remote-participants.ts';
import { type TestClock, testClock } from '../../../src/testing/test-clock.ts';
import { openServer } from '../../../src/server/open-server.ts';

const key = Buffer.alloc(32, 7);
const secret = `whsec_${key.toString('base64')}`;
const hang = (): Promise<Response> => new Promise(() => undefined);
const accept = (): Response => new Response(null, { status: 204 });

/** Past its pivot it can only go forward, and this step never does: a person is needed. */
const stuck = saga('stuck')
  .input()
  .pivot('pay', { run: () => 1 })
  .step('tell', { run: () => Promise.reject(new Error('nobody listens')), retry: { maxAttempts: 1 } })
  .output(() => null);

interface WorldOptions extends Partial<AttentionWebhookOptions> {
  readonly pager?: RemoteHandler;
  readonly journal?: Journal;
  readonly caller?: RemoteCaller;
}

async function world({ pager = accept, journal = memoryJournal(), ...options }: WorldOptions = {}) {
  const clock = testClock();
  const observer = recordingObserver();
  const caller = remoteParticipants({ 'http://pager/': pager });
  const sign = webhookSignature(secret);
  const webhook = attentionWebhook({ url: 'http://pager/hook', caller, sign, clock, observer, ...options });
  const server = await openServer({ journal, sagas: [stuck], clock, observer: webhook.observer, realertAfter: '1h' });
  return {
    clock,
    observer,
    caller,
    webhook,
    server,
    start: (id: string) => server.tempo.start(stuck, { id, input: null }),
    ids: () => caller.calls.map(({ headers }) => headers['Webhook-Id']),
    [Symbol.asyncDispose]: () => closed(clock, Promise.all([server.close(), webhook.close()])),
  };
}

async function closed(clock: TestClock, closing: Promise<unknown>): Promise<void> {
  await clock.advance(3600_000);
  await closing;
}

test('told once, as Standard Webhooks 1.0 signs it, of the step and why it was given up', async () => {
  await using own = await world();
  await own.start('s');
  await own.clock.advance(1000);
  expect(own.caller.calls).toHaveLength(1);
  const [{ headers, body }] = own.caller.calls as [(typeof own.caller.calls)[number]];
  expect(JSON.parse(body)).toMatchObject({
    type: 'attention.raised',
    data: { sagaId: 's', sagaName: 'stuck', step: 'tell', reason: 'action', repeated: 0 },
  });
  const signed = `s/tell/0.${headers['Webhook-Timestamp']}.${body}`;
  const mac = createHmac('sha256', key).update(signed).digest('base64');
  expect(headers).toMatchObject({ 'Webhook-Id': 's/tell/0', 'Webhook-Signature': `v1,${mac}` });
});

describe('at least once', () => {
  test('what fails is sent again with backoff under the same id and a fresh stamp, and Retry-After is a floor', async () => {
    let calls = 0;
    const pager = (): Response => {
      if (++calls === 1) return new Response(null, { status: 500 });
      return calls === 2 ? new Response(null, { status: 429, headers: { 'retry-after': '60' } }) : accept();
    };
    await using own = await world({ pager });
    await own.start('s');
    await own.clock.advance(59_000);
    expect(calls).toBe(2);
    await own.clock.advance(10_000);
    expect(own.ids()).toEqual(['s/tell/0', 's/tell/0', 's/tell/0']);
    const stamps = own.caller.calls.map(({ headers }) => headers['Webhook-Timestamp']);
    expect(Number(stamps[2])).toBeGreaterThanOrEqual(Number(stamps[0]) + 60);
  });

  test('one that is given up is told to the log, and sent again when it is raised again', async () => {
    let down = true;
    const pager = (): Response => (down ? new Response(null, { status: 503 }) : accept());
    await using own = await world({ pager, maxAttempts: 3 });
    await own.start('s');
    await own.clock.advance(60_000);
    expect(own.observer.ofType('webhook.failed')).toMatchObject([{ sagaId: 's', step: 'tell', attempts: 3 }]);
    down = false;
    await own.clock.advance(3_600_000);
    expect(own.ids()).toHaveLength(4);
    expect(JSON.parse(own.caller.calls[3]?.body ?? '')).toMatchObject({ data: { repeated: 1 } });
  });

  test('what was not told when the process ended is told by the next one', async () => {
    const journal = memoryJournal();
    {
      await using first = await world({ pager: hang, journal: staysOpen(journal) });
      await first.start('s');
      await first.clock.advance(1000);
    }
    await using second = await world({ journal: staysOpen(journal, 's') });
    await second.clock.advance(1000);
    expect(second.ids()).toEqual(['s/tell/0']);
  });
});

describe('never in the way', () => {
  test('a webhook that never answers stops no saga, and holds no more than its bounds', async () => {
    await using own = await world({ pager: hang, maxQueue: 10, concurrency: 2 });
    for (let number = 0; number < 50; number++) await own.start(`s-${number}`);
    await own.clock.advance(5000);
    expect((await own.server.tempo.attention.list()).length).toBe(50);
    expect(own.caller.calls).toHaveLength(2);
    const lost = own.observer.ofType('webhook.failed');
    expect(lost).toHaveLength(38);
    expect(lost[0]).toMatchObject({ sagaId: 's-2', attempts: 0, error: { message: '10 others wait already' } });
  });

  test('a URL that the egress policy forbids is refused at once, and so is an unsound option', () => {
    const forbidden = Object.assign(remoteParticipants({}), {
      check: () => {
        throw new RangeError('forbidden');
      },
    });
    const options = { url: 'http://169.254.169.254/', sign: () => '' };
    expect(() => attentionWebhook({ ...options, caller: forbidden })).toThrow('forbidden');
    expect(() => attentionWebhook({ ...options, caller: remoteParticipants({}), maxQueue: 0 })).toThrow(
      'Expected maxQueue to be an integer ≥ 1, got 0',
    );
  });

  test.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'whsec_not base64', key.toString('base64')])(
    'a secret that is none is refused without being shown: %j',
    (text) => {
      expect(() => webhookSignature(text)).toThrow(
        /^Expected the secret to be whsec_ and the base64 of 24 to 64 bytes$/,
      );
    },
  );
});

/** A journal that a process leaves as it is when it ends; another finds its sagas as unfinished. */
function staysOpen(journal: Journal, ...unfinished: readonly string[]): Journal {
  return new Proxy(journal, {
    get(target, name) {
      if (name === 'close') return () => Promise.resolve();
      if (name === 'open')
        return async function* () {
          for (const id of unfinished) yield await target.state(id);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
