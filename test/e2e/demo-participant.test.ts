/** The barrier's rules against a real participant: its process, its file, its socket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Child } from '../../src/cli/demo/child-process.ts';
import { readLedger } from '../../src/cli/demo/ledger.ts';
import type { FromParticipant, ParticipantConfig } from '../../src/cli/demo/messages.ts';
import type { Order } from '../../src/cli/demo/order.ts';
import { callHeaders, type ParticipantCall, type Service, services } from '../../src/cli/demo/participant-call.ts';
import { drawFault, type WireFault } from '../../src/cli/demo/wire-faults.ts';

const line = { quantity: 3, unitPrice: 18_350 };
const order = (id: string): Order => ({ id, placedAt: '1/2/2011 9:05', customer: '7', country: 'EIRE', lines: [line] });

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Record<string, unknown>;
}

/** A participant process under test. */
interface Running {
  readonly service: Service;
  readonly port: number;
  readonly path: string;
  readonly child: Child;
  readonly stopped: Promise<Extract<FromParticipant, { type: 'stopped' }>>;
}

let folder: string;
let running: Running[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makegood-participant-'));
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(({ child }) => child.kill()));
  await rm(folder, { recursive: true, force: true });
});

async function startParticipant(service: Service, failRate = 0, seed = 1): Promise<Running> {
  const port = Promise.withResolvers<number>();
  const stopped = Promise.withResolvers<Extract<FromParticipant, { type: 'stopped' }>>();
  const path = join(folder, `${service}.sqlite`);
  const config: ParticipantConfig = { service, path, faults: { seed, failRate } };
  const child = new Child(service, 'participant-main', config, (message: FromParticipant) => {
    if (message.type === 'listening') port.resolve(message.port);
    else stopped.resolve(message);
  });
  const participant = { service, path, child, port: await port.promise, stopped: stopped.promise };
  running.push(participant);
  return participant;
}

type CallOptions = Partial<ParticipantCall> & {
  readonly key?: string;
  readonly body?: string;
  readonly timeoutMs?: number;
};

function post(to: Running, options: CallOptions = {}): Promise<Answer> {
  const { saga = '1', step = services[to.service], phase = 'action', attempt = 1, epoch = 1, timeoutMs } = options;
  const headers = callHeaders({ saga, step, phase, attempt, epoch }, options.key ?? `${saga}/${step}/${phase}`);
  const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: to.port, method: 'POST', headers, agent: false, ...signal },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const body = JSON.parse(text) as Record<string, unknown>;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body ?? JSON.stringify({ input: order(saga) }));
  });
}

/** What really happened, read from the file after the process has ended. */
async function effectsAt(participant: Running): Promise<unknown> {
  await participant.child.stop();
  const { effects, balance } = readLedger(participant.path);
  return {
    effects: effects.map(({ saga, phase, quantity, pence, times }) => [saga, phase, quantity, pence, times]),
    balance: { ...balance },
  };
}

test('a duplicate is answered with the stored reply, byte for byte, and has no second effect', async () => {
  const payment = await startParticipant('payment');
  const first = await post(payment);
  const other = await post(payment, { saga: '2' });
  const second = await post(payment, { attempt: 2 });
  expect(first).toMatchObject({ status: 200, body: { payment: 'P-1', pence: 551 } });
  expect(other.body).toMatchObject({ payment: 'P-2' });
  expect(second.body).toEqual(first.body);
  expect(await effectsAt(payment)).toEqual({
    effects: [
      ['1', 'action', 0, 551, 1],
      ['2', 'action', 0, 551, 1],
    ],
    balance: { quantity: 0, pence: 1102 },
  });
});

test('fifty duplicates at once have one effect and one answer', async () => {
  const inventory = await startParticipant('inventory');
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => post(inventory, { attempt: index + 1 })));
  expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  expect(await effectsAt(inventory)).toMatchObject({ effects: [['1', 'action', 3, 0, 1]] });
});

test('a stored reply survives kill -9 of the participant', async () => {
  const inventory = await startParticipant('inventory');
  const first = await post(inventory);
  await inventory.child.kill();
  const again = await startParticipant('inventory');
  expect((await post(again, { attempt: 2 })).body).toEqual(first.body);
  expect(await effectsAt(again)).toMatchObject({ effects: [['1', 'action', 3, 0, 1]] });
});

test('a compensation undoes once, however often it is asked for', async () => {
  const payment = await startParticipant('payment');
  await post(payment);
  const undone = await post(payment, { phase: 'compensation' });
  expect(undone).toMatchObject({ status: 200, body: { undone: true } });
  expect((await post(payment, { phase: 'compensation', attempt: 2 })).body).toEqual(undone.body);
  expect(await effectsAt(payment)).toEqual({
    effects: [
      ['1', 'action', 0, 551, 1],
      ['1', 'compensation', 0, -551, 1],
    ],
    balance: { quantity: 0, pence: 0 },
  });
});

test('a compensation that comes first has no effect, and the action after it is refused', async () => {
  const inventory = await startParticipant('inventory');
  expect(await post(inventory, { phase: 'compensation' })).toMatchObject({ status: 200, body: { undone: false } });
  expect(await post(inventory)).toMatchObject({ status: 409, body: { code: 'aborted' } });
  expect(await effectsAt(inventory)).toEqual({ effects: [], balance: { quantity: 0, pence: 0 } });
});

test('a call of a lower epoch is refused, also when the higher one only repeated what was there', async () => {
  const inventory = await startParticipant('inventory');
  await post(inventory, { epoch: 1 });
  expect(await post(inventory, { epoch: 3, attempt: 2 })).toMatchObject({ status: 200 });
  expect(await post(inventory, { epoch: 2, attempt: 3 })).toMatchObject({ status: 409, body: { code: 'stale-epoch' } });
  expect(await post(inventory, { epoch: 2, phase: 'compensation' })).toMatchObject({
    status: 409,
    body: { code: 'stale-epoch' },
  });
  expect(await post(inventory, { epoch: 1, saga: '2' })).toMatchObject({ status: 200 });
  expect(await effectsAt(inventory)).toMatchObject({ balance: { quantity: 6, pence: 0 } });
});

test('a refusal is a 409 with code and message, is repeated as it was, and there is nothing to undo after it', async () => {
  const payment = await startParticipant('payment');
  const declined = await post(payment, { saga: 'C1' });
  expect(declined).toMatchObject({
    status: 409,
    body: { code: 'CARD_DECLINED', message: 'invoice C1 is declined by the bank' },
  });
  expect(declined.headers['content-type']).toBe('application/problem+json');
  const again = await post(payment, { saga: 'C1', attempt: 2 });
  expect([again.status, again.body, again.headers['content-type']]).toEqual([
    409,
    declined.body,
    declined.headers['content-type'],
  ]);
  expect(await post(payment, { saga: 'C1', phase: 'compensation' })).toMatchObject({
    status: 200,
    body: { undone: false },
  });
  expect(await effectsAt(payment)).toEqual({ effects: [], balance: { quantity: 0, pence: 0 } });
});

test('what is no call, no order or another service step is refused without an effect', async () => {
  const shipping = await startParticipant('shipping');
  expect(await post(shipping, { key: 'other' })).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  expect(await post(shipping, { attempt: 0 })).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  expect(await post(shipping, { step: 'charge' })).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect(await post(shipping, { body: '{' })).toMatchObject({ status: 422, body: { code: 'invalid' } });
  expect(
    await post(shipping, { body: '{"input":{"id":"1","country":"EIRE","lines":[{"quantity":0.5}]}}' }),
  ).toMatchObject({ status: 422 });
  expect(await post(shipping, { body: `{"pad":"${'x'.repeat(1_048_576)}"}` })).toMatchObject({ status: 413 });
  expect(await effectsAt(shipping)).toEqual({ effects: [], balance: { quantity: 0, pence: 0 } });
});

/** A saga whose first attempt meets the fault and whose second does not, found by asking the seeded draw itself. */
function sagaThatMeets(kind: WireFault): string {
  const plan = { seed: 1, failRate: 0.5 };
  for (let number = 1; ; number++) {
    const call = { saga: String(number), step: 'reserve', phase: 'action' } as const;
    if (drawFault(plan, { ...call, attempt: 1 })?.kind !== kind) continue;
    if (drawFault(plan, { ...call, attempt: 2 }) === undefined) return String(number);
  }
}

test.each([
  ['reset', 'ECONNRESET', 0],
  ['reply-lost', 'ECONNRESET', 1],
  ['timed-out', 'TimeoutError', 1],
  ['unavailable', 503, 0],
  ['slow', 200, 1],
] as const)(
  '%s: the caller sees %s, the effect was applied %i times, and the next attempt succeeds',
  async (kind, seen, applied) => {
    const inventory = await startParticipant('inventory', 0.5);
    const saga = sagaThatMeets(kind);
    const outcome = await post(inventory, { saga, timeoutMs: 500 }).then(
      (answer) => answer,
      (error: Error & { code?: string; cause?: Error }) => error,
    );
    if (outcome instanceof Error) {
      const names = [(outcome as { code?: unknown }).code, outcome.name, outcome.cause?.name];
      expect(names).toContain(seen);
    } else {
      expect(outcome.status).toBe(seen);
      if (kind === 'unavailable')
        expect(outcome.headers).toMatchObject({ 'retry-after': '1', 'makegood-effect': 'none' });
    }
    await inventory.child.kill();
    const effects = readLedger(inventory.path).effects.filter((effect) => effect.saga === saga);
    expect(effects.map((effect) => effect.times)).toEqual(Array.from({ length: applied }, () => 1));

    const again = await startParticipant('inventory', 0.5);
    expect(await post(again, { saga, attempt: 2 })).toMatchObject({ status: 200, body: { quantity: 3 } });
    expect(await effectsAt(again)).toMatchObject({ effects: [[saga, 'action', 3, 0, 1]] });
  },
);

test('a participant counts its requests and its faults by kind', async () => {
  const inventory = await startParticipant('inventory', 1, 5);
  await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => post(inventory, { saga: String(index), timeoutMs: 400 })),
  );
  await inventory.child.stop();
  const { requests, faults } = await inventory.stopped;
  expect(requests).toBe(20);
  expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBe(20);
});
