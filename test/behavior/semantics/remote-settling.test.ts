import { describe, expect, test } from 'vitest';
import { EgressError, http, type RemoteCaller } from '../../../src/outbound/index.ts';
import { memoryBarrier, participant } from '../../../src/participant/index.ts';
import { type SagaDefinition, saga, TerminalError } from '../../../src/saga/index.ts';
import {
  forEveryCrashPoint,
  type RemoteHandler,
  type RemoteParticipants,
  remoteParticipants,
  testTempo,
} from '../../../src/testing/index.ts';
import { type Bench, count, open, stubborn } from './bench.ts';
import { ok, order, type Reply, run, script, told } from './remote-world.ts';

/** How often the undoing of the charge has been asked for. */
async function undoings(bench: Bench): Promise<number> {
  return count(await bench.story('o'), 'compensation-started', 'charge');
}

function probed(...replies: readonly Reply[]): {
  readonly caller: RemoteParticipants;
  readonly definition: SagaDefinition;
} {
  const caller = remoteParticipants(
    { 'http://stock/': ok, 'http://bank/status': script(...replies), 'http://bank/': ok },
    { fault: ({ url }) => (url.endsWith('charge') ? 'answer-lost' : undefined) },
  );
  return { caller, definition: order({ retry: stubborn(1), statusUrl: 'http://bank/status', maxFlight: 0 }) };
}

function check(url: string): void {
  if (url.includes('bank')) throw new EgressError(url, 'it is a bank');
}

function refuse(): never {
  throw new TerminalError('no money', { code: 'DECLINED' });
}

describe('§2 settle time of what was sent', () => {
  test.each(['request-lost', 'answer-lost', 'lost-in-silence', 'silent'] as const)(
    'no answer (%s): nothing is undone before sentAt + timeout + maxFlight, and then null-safely',
    async (fault) => {
      const caller = remoteParticipants(
        { 'http://stock/': ok, 'http://bank/': ok },
        { fault: ({ url }) => (url.endsWith('charge') ? fault : undefined) },
      );
      await using bench = await run(order({ retry: stubborn(1), timeout: '2s', maxFlight: '7s' }), caller);
      await bench.clock.advance(8999);
      expect(await undoings(bench)).toBe(0);
      await bench.clock.advance(1);
      expect(await undoings(bench)).toBe(1);
      expect(caller.calls.find(({ url }) => url.endsWith('refund'))?.body).toBe('{"input":{"sku":"tea"}}');
      expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated' });
    },
  );

  test('an answer of any status ends settling, that of an earlier attempt too', async () => {
    const caller = remoteParticipants(
      { 'http://stock/': ok, 'http://bank/charge': script({ status: 500 }), 'http://bank/': ok },
      { fault: (_, number) => (number === 2 ? 'request-lost' : undefined) },
    );
    await using bench = await run(order(), caller);
    await bench.clock.advance(100);
    expect(told(caller).slice(-2)).toEqual(['charge compensation 1', 'reserve compensation 1']);
    expect(await bench.story('o')).toContain('step-settled charge');
  });

  test('what was not sent leaves the settle time of an earlier attempt', async () => {
    const caller = remoteParticipants(
      { 'http://stock/': ok, 'http://bank/': ok },
      { fault: (_, number) => (number === 2 ? 'request-lost' : number === 3 ? 'refused' : undefined) },
    );
    await using bench = await run(order(), caller);
    await bench.clock.advance(32_999);
    expect(await undoings(bench)).toBe(0);
    await bench.clock.advance(1);
    expect(await undoings(bench)).toBe(1);
  });

  test('a participant with a barrier is asked to undo as soon as the attempt could have been answered', async () => {
    const caller = remoteParticipants(
      { 'http://stock/': ok, 'http://bank/': ok },
      { fault: (_, n) => (n === 2 ? 'answer-lost' : undefined) },
    );
    await using bench = await run(order({ retry: stubborn(1), barrier: true, nullSafe: false }), caller);
    await bench.clock.advance(3000);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated' });
  });

  test('nullSafe: false with neither barrier nor probe: a person is asked', async () => {
    const caller = remoteParticipants(
      { 'http://stock/': ok, 'http://bank/': ok },
      { fault: (_, n) => (n === 2 ? 'answer-lost' : undefined) },
    );
    await using bench = await run(order({ retry: stubborn(1), nullSafe: false }), caller);
    await bench.clock.advance(33_000);
    expect(await bench.tempo.attention.list()).toMatchObject([
      { step: 'charge', lastFailure: { code: 'MAKEGOOD_NOT_NULL_SAFE' } },
    ]);
  });

  test('cancelled while a call is in flight: it is awaited, not torn down, and its effect undone', async () => {
    const gate = Promise.withResolvers<void>();
    const bank: RemoteHandler = async ({ url, signal }) => {
      if (url.endsWith('charge')) await gate.promise;
      return Response.json(signal.aborted ? 'torn down' : 'charged');
    };
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': bank });
    await using bench = await run(order(), caller);
    expect(await bench.tempo.cancel('o')).toMatchObject({ status: 'compensating' });
    await bench.clock.advance(1000);
    expect(told(caller)).toEqual(['reserve action 1', 'charge action 1']);
    gate.resolve();
    await bench.clock.settle();
    expect(caller.calls[2]).toMatchObject({
      phase: 'compensation',
      body: '{"input":{"sku":"tea"},"output":"charged"}',
    });
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated', reason: 'cancel' });
  });
});

describe('§2.2a a status probe', () => {
  test('asks with the key of the action, and undoes what it says was applied, with what it says it answered', async () => {
    const { caller, definition } = probed({ status: 200, body: { effect: 'applied', output: 9 } });
    await using bench = await run(definition, caller);
    await bench.clock.advance(3000);
    expect(told(caller).slice(2)).toEqual(['charge status 1', 'charge compensation 1', 'reserve compensation 1']);
    expect(caller.calls[2]).toMatchObject({ body: '{"input":{"sku":"tea"}}', idempotencyKey: 'o/charge/action' });
    expect(caller.calls[2]?.headers).toMatchObject({ 'Makegood-Phase': 'status' });
    expect(caller.calls[3]?.body).toBe('{"input":{"sku":"tea"},"output":9}');
  });

  test('none: nothing is undone', async () => {
    const { caller, definition } = probed({ status: 200, body: { effect: 'none' } });
    await using bench = await run(definition, caller);
    await bench.clock.advance(3000);
    expect(told(caller).slice(2)).toEqual(['charge status 1', 'reserve compensation 1']);
  });

  test('in progress: asked again as the same attempt; no knowledge: retried as a compensation, then a person is asked', async () => {
    const { caller, definition } = probed({ status: 202 }, { status: 202 }, { status: 404 });
    await using bench = await run(definition, caller);
    await bench.clock.advance(60_000);
    expect(told(caller).slice(2)).toEqual([1, 1, 1, 2, 3, 4].map((attempt) => `charge status ${attempt}`));
    expect(await bench.tempo.attention.list()).toMatchObject([{ step: 'charge', reason: 'probe' }]);
  });
});

test('a crash of a remote participant’s caller is not blamed on the step', async () => {
  const caller = remoteParticipants(
    { 'http://stock/': ok, 'http://bank/': ok },
    { fault: ({ url }) => (url.endsWith('charge') ? 'silent' : undefined) },
  );
  const definition = order({ retry: stubborn(9) });
  await using tempo = await testTempo({ sagas: [definition], caller, crashLimit: 2 });
  await tempo.start(definition, { id: 'o', input: { sku: 'tea' } });
  for (let crash = 0; crash < 4; crash++) {
    await tempo.advance('1s');
    await tempo.restart();
  }
  await tempo.advance('1s');
  expect(await tempo.get('o')).toMatchObject({ status: 'running', steps: [{}, { attempts: 5 }] });
});

test('a saga with a remote step needs a caller, and one that may call its targets', async () => {
  await expect(open([order()])).rejects.toThrow(
    'Expected openTempo to be given a caller: step "reserve" of saga "order" is remote',
  );
  const caller: RemoteCaller = { check, call: () => Promise.reject(new Error('never')) };
  await expect(open([order()], { caller })).rejects.toThrow('calls to "http://bank/charge" are not allowed');
  await using bench = await open([], { caller });
  const parent = saga('parent')
    .input<{ sku: string }>()
    .child('order', order(), ({ input }) => input)
    .output();
  expect(() => bench.tempo.register(parent)).toThrow('calls to "http://bank/charge" are not allowed');
});

test.each(['answer-lost', 'request-lost', 'refused', undefined] as const)(
  'the process may die at any record while a call is %s: same end, same effects',
  async (fault) => {
    const report = await forEveryCrashPoint(() => {
      const effects: string[] = [];
      const note = (what: string) => () => void effects.push(what);
      const stock = participant({
        barrier: memoryBarrier(),
        actions: { reserve: { run: note('reserve'), compensate: note('release') } },
      });
      const bank = participant({
        barrier: memoryBarrier(),
        actions: { charge: { run: refuse, compensate: note('refund') } },
      });
      const caller = remoteParticipants(
        { 'http://stock/': stock, 'http://bank/': bank },
        { fault: ({ attempt, phase }) => (attempt === 1 && phase !== 'status' ? fault : undefined) },
      );
      const retry = stubborn(8);
      const remote = (name: string) =>
        http({
          url: `http://${name}`,
          compensateUrl: `http://${name}`,
          statusUrl: `http://${name}`,
          retry,
          compensationRetry: retry,
        });
      const definition = saga('order')
        .input<{ sku: string }>()
        .step('reserve', remote('stock/reserve'))
        .step('charge', remote('bank/charge'))
        .output();
      return {
        sagas: [definition],
        caller,
        run: async (tempo) => (await tempo.start(definition, { id: 'o', input: { sku: 'tea' } })).outcome(),
        effects: () => effects,
      };
    });
    expect(report.result).toMatchObject({ status: 'compensated', failure: { code: 'DECLINED' } });
    expect(report.effects).toEqual(['reserve', 'release']);
    expect(report.crashes).toBeGreaterThanOrEqual(8);
  },
);
