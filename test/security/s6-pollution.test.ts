/** S6: keys and names that mean something to JavaScript, through every entrance that JSON and names have. */
import { describe, expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { bulkhead } from '../../src/guards/index.ts';
import { idempotency, memoryStore } from '../../src/idempotency/index.ts';
import { applyDelta, decodeState, encodeDelta, encodeState } from '../../src/journal/state-codec.ts';
import { type RemoteAnswer, answerMeaning, http } from '../../src/outbound/index.ts';
import { memoryBarrier, participant } from '../../src/participant/index.ts';
import { type SeededRandom, seededRandom } from '../../src/ports/random.ts';
import { retryRulesFrom, type RetrySpec } from '../../src/retry/index.ts';
import { foldRecords, saga, type SagaDefinition, type SagaState } from '../../src/saga/index.ts';
import { remoteParticipants, testTempo } from '../../src/testing/index.ts';

// A hunt takes more: MAKEGOOD_FUZZ=25 is a million documents.
const fuzz = Number(process.env['MAKEGOOD_FUZZ'] ?? 1);

const magicNames = [
  ...Object.getOwnPropertyNames(Object.prototype),
  'prototype',
  'polluted',
  'toJSON',
  'then',
  'length',
];

function own(value: object): readonly unknown[] {
  return [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertySymbols(value)];
}

/** What a polluted process would show. */
function fingerprint(): readonly unknown[] {
  const victim: Record<string, unknown> = {};
  return [
    own(Object.prototype),
    own(Array.prototype),
    own(Function.prototype),
    own(String.prototype),
    victim['polluted'],
    victim['status'],
    victim['length'],
    Object.getPrototypeOf(victim) === Object.prototype,
  ];
}

const clean = fingerprint();

/** A JSON text with keys that mean something, nested as chance will have it. */
function hostileText(random: SeededRandom, depth = 4): string {
  const draw = random();
  if (depth === 0 || draw < 0.3)
    return ['{"polluted":true}', 'true', '"x"', '7', 'null', '[]'][Math.floor(random() * 6)] as string;
  const length = 1 + Math.floor(random() * 3);
  if (draw < 0.45) return `[${Array.from({ length }, () => hostileText(random, depth - 1)).join(',')}]`;
  const members = Array.from({ length }, () => {
    const name = magicNames[Math.floor(random() * magicNames.length)] as string;
    // A name has more than one spelling.
    const key = random() < 0.2 ? `${escaped(name.charAt(0))}${name.slice(1)}` : name;
    return `"${key}":${hostileText(random, depth - 1)}`;
  });
  return `{${members.join(',')}}`;
}

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

describe('S6.1 documents with magic keys leave every prototype as it was', () => {
  test('answers of remote participants: 15,000', () => {
    const random = seededRandom(61);
    for (let count = 0; count < 15_000 * fuzz; count++) {
      const body = hostileText(random);
      const answer: RemoteAnswer = { kind: 'answered', status: count % 3 === 0 ? 409 : 200, headers: {}, body };
      const meaning = answerMeaning({ phase: count % 2 === 0 ? 'action' : 'status', step: 'a' }, answer, 0);
      const hasProto = Object.hasOwn(flatKeys(JSON.parse(body)), '__proto__');
      if (hasProto && meaning.outcome === 'done') expect(meaning.output).toBeUndefined();
    }
    expect(fingerprint()).toEqual(clean);
  });

  test('states of sagas, whole and as deltas: 4,000', () => {
    const random = seededRandom(62);
    const begun = { epoch: 1, timestamp: 1 } as const;
    for (let count = 0; count < 4000 * fuzz; count++) {
      const value = JSON.parse(hostileText(random)) as never;
      const steps = [magicNames[count % magicNames.length] as string, 'b'];
      const start = {
        ...begun,
        seq: 1,
        type: 'saga-started',
        name: 's',
        version: '1',
        definition: 'd',
        steps,
        input: value,
      } as const;
      const before = foldRecords('__proto__', [start]) as SagaState;
      const after: SagaState = { ...before, steps: before.steps.map((step) => ({ ...step, output: value })) };
      const again = applyDelta(decodeState('__proto__', encodeState(before)), encodeDelta(before, after));
      expect(JSON.stringify(again.steps[0]?.output)).toBe(JSON.stringify(value));
      expect(JSON.stringify(again.input)).toBe(JSON.stringify(value));
    }
    expect(fingerprint()).toEqual(clean);
  });

  test('requests to a participant: 1,000', async () => {
    const random = seededRandom(63);
    const handle = participant({ actions: { reserve: { run: ({ input }) => input } }, barrier: memoryBarrier() });
    for (let count = 0; count < 1000 * fuzz; count++) {
      const body = hostileText(random);
      const headers = {
        'Content-Type': 'application/json',
        'Idempotency-Key': `s${count}/reserve/action`,
        'Makegood-Saga': `s${count}`,
        'Makegood-Step': 'reserve',
        'Makegood-Phase': 'action',
        'Makegood-Attempt': '1',
        'Makegood-Epoch': '1',
      };
      const answer = await handle(new Request('http://x/reserve', { method: 'POST', headers, body }));
      expect(answer.status).toBe(Object.hasOwn(flatKeys(JSON.parse(body)), '__proto__') ? 422 : 200);
    }
    expect(fingerprint()).toEqual(clean);
  });

  test('stored results and retry policies: 5,000', async () => {
    const random = seededRandom(64);
    const once = idempotency({ store: memoryStore() });
    for (let count = 0; count < 5000 * fuzz; count++) {
      const value: unknown = JSON.parse(hostileText(random));
      if (count % 10 === 0)
        expect(JSON.stringify(await once.once(`${count}`, () => value))).toBe(JSON.stringify(value));
      try {
        retryRulesFrom(value as RetrySpec);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
    expect(fingerprint()).toEqual(clean);
  });
});

/** Every key that stands anywhere in a value, as a key of its own. */
function flatKeys(value: unknown, found: Record<string, true> = Object.create(null) as Record<string, true>) {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, item] of Object.entries(value)) {
    found[key] = true;
    flatKeys(item, found);
  }
  return found;
}

describe('names that mean something to JavaScript are names', () => {
  const named = magicNames.filter((name) => /^[\w.~:@-]+$/.test(name));

  test('of steps, guards, policies and sagas, over a crash', async () => {
    let builder = saga('constructor').input<unknown>() as unknown as {
      step(name: string, options: object): typeof builder;
      output(make: (context: { results: object }) => unknown): SagaDefinition;
    };
    for (const name of named)
      builder = builder.step(name, { run: ({ step }: { step: string }) => step, readOnly: true });
    const definition = builder.output(({ results }) => Object.keys(results).length);
    const input: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    await using tempo = await testTempo({ sagas: [definition], guards: { unrelated: bulkhead({ maxConcurrent: 1 }) } });
    for (const id of named) {
      await tempo.start(definition, { id, input: input as never });
      tempo.policies.set('constructor/toString', { backoff: constant(1) });
    }
    await tempo.restart();
    await tempo.settle();
    for (const id of named) {
      const view = await tempo.get(id);
      expect(view).toMatchObject({ id, status: 'completed', output: named.length });
      expect(view?.steps.map(({ output }) => output)).toEqual(named);
      expect(JSON.stringify(view?.input)).toBe(JSON.stringify(input));
    }
    expect(fingerprint()).toEqual(clean);
  });

  test('of headers: those that HTTP could carry are carried, and set no prototype', async () => {
    const caller = remoteParticipants({ 'http://a/': () => new Response('{}') });
    const definition = saga('s')
      .input<null>()
      .step('a', http({ url: 'http://a/', readOnly: true }))
      .output();
    await using tempo = await testTempo({ sagas: [definition], caller });
    const headers = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    const run = await tempo.start(definition, { id: 's', input: null, headers });
    await tempo.until(run.outcome());
    expect(Object.entries(caller.calls[0]?.headers ?? {})).toContainEqual(['constructor', 'y']);
    expect(fingerprint()).toEqual(clean);
  });
});
