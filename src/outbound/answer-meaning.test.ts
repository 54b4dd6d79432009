import { describe, expect, test } from 'vitest';
import { RefusedError } from '../policy/refused-error.ts';
import { answerMeaning, type AnswerMeaning } from './answer-meaning.ts';
import { EgressError } from './remote-call-error.ts';
import type { BodyFault, RemoteAnswer, RemotePhase } from './remote-caller.ts';

const now = Date.UTC(2026, 0, 1);

function answered(
  status: number,
  body = '',
  more: { readonly headers?: Readonly<Record<string, string>>; readonly bodyFault?: BodyFault } = {},
): RemoteAnswer {
  return { kind: 'answered', status, headers: {}, body, ...more };
}

function meaning(answer: RemoteAnswer, phase: RemotePhase = 'action'): AnswerMeaning {
  return answerMeaning({ phase, step: 'reserve' }, answer, now);
}

/** The class of an answer, and whether the request may still be on its way. */
function classOf(answer: RemoteAnswer, phase?: RemotePhase): readonly unknown[] {
  const found = meaning(answer, phase);
  const error = 'error' in found ? (found.error as { readonly code?: string; readonly inFlight?: boolean }) : {};
  return [found.outcome, error.code, error.inFlight].filter((fact) => fact !== undefined && fact !== false);
}

describe('done', () => {
  test.each([200, 201, 204])('%i is done, and a JSON body is the output', (status) => {
    expect(meaning(answered(status, '{"id":7}'))).toEqual({ outcome: 'done', output: { id: 7 } });
  });

  test('204 without a body is done without an output, and nothing is amiss; so is an undoing', () => {
    expect(meaning(answered(204))).toEqual({ outcome: 'done', output: undefined });
    expect(meaning(answered(200), 'compensation')).toEqual({ outcome: 'done', output: undefined });
  });

  test.each<[string, RemoteAnswer, string]>([
    ['empty', answered(200), 'it is empty'],
    ['cut off', answered(200, '{"id":', { bodyFault: 'cut-off' }), 'it broke off before its end'],
    ['longer than 1 MiB', answered(201, '', { bodyFault: 'too-long' }), 'it is longer than 1 MiB'],
    ['not UTF-8', answered(200, '', { bodyFault: 'not-text' }), 'it is not UTF-8'],
    ['not JSON', answered(200, '<html>'), 'it is not JSON'],
    ['polluting', answered(200, '{"a":[{"__proto__":{"polluted":true}}]}'), 'it has a property "__proto__"'],
    ['too deep', answered(200, `${'['.repeat(65)}${']'.repeat(65)}`), 'it is nested deeper than 64'],
    ['too large a number', answered(200, '[1e999]'), 'it has a number beyond all bounds'],
  ])('an unusable body does not undo the effect: done, with a warning (%s)', (_, answer, why) => {
    const warning = `the body of the answer ${(answer as { status: number }).status} was not taken as the output: ${why}`;
    expect(meaning(answer)).toEqual({ outcome: 'done', output: undefined, warning });
  });

  test('410 to a compensation is done; to an action it says nothing', () => {
    expect(classOf(answered(410), 'compensation')).toEqual(['done']);
    expect(classOf(answered(410))).toEqual(['unknown', 'MAKEGOOD_CALL_ANSWERED']);
  });
});

describe('in progress', () => {
  test.each([
    [202, {}, 1000],
    [425, {}, 1000],
    [202, { 'retry-after': '5' }, 5000],
    [202, { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7000],
    // Each question is a record in the journal: a participant cannot have us ask without a pause.
    [202, { 'retry-after': '0' }, 100],
    [202, { 'retry-after': 'soon' }, 1000],
  ])('%i with %j is asked again after %i ms', (status, headers, delayMs) => {
    expect(meaning(answered(status, '', { headers }))).toEqual({ outcome: 'in-progress', delayMs });
    expect(meaning(answered(status, '', { headers }), 'status')).toEqual({ outcome: 'in-progress', delayMs });
  });
});

describe('refused for certain', () => {
  test.each([
    ['{"code":"SOLD_OUT","message":"no more of them"}', 'SOLD_OUT', 'no more of them'],
    ['{"title":"Conflict","detail":"sold out"}', 'REFUSED', 'sold out'],
    ['"sold out"', 'REFUSED', 'sold out'],
    ['sold out', 'REFUSED', 'sold out'],
    ['', 'REFUSED', 'the action of step "reserve" was refused by the participant'],
    ['{"code":"a b\\n","message":7}', 'REFUSED', 'the action of step "reserve" was refused by the participant'],
  ])('409 %s keeps the code and the words of the participant', (body, businessCode, message) => {
    expect(meaning(answered(409, body))).toMatchObject({ outcome: 'failed', error: { businessCode, message } });
  });

  test('409 of a participant that knows a newer coordinator concludes nothing', () => {
    const stale = answered(409, '{"code":"stale-epoch","message":"epoch 1 was replaced by epoch 2"}');
    expect(classOf(stale)).toEqual(['unknown', 'MAKEGOOD_CALL_ANSWERED']);
    expect(classOf(stale, 'compensation')).toEqual(['unknown', 'MAKEGOOD_CALL_ANSWERED']);
  });
});

describe('not now, and whatever else is answered', () => {
  test('429 and 503 say when, and are unknown unless nothing was done', () => {
    for (const status of [429, 503]) {
      const headers = { 'retry-after': '9' };
      const perhaps = meaning(answered(status, '', { headers }));
      expect(perhaps).toMatchObject({ outcome: 'unknown', error: { status, retryAfterMs: 9000, inFlight: false } });
      const nothing = meaning(answered(status, '', { headers: { ...headers, 'makegood-effect': 'None' } }));
      expect(nothing).toMatchObject({ outcome: 'not-done', error: { status, retryAfterMs: 9000, effect: 'none' } });
    }
  });

  test.each([100, 203, 206, 301, 302, 307, 400, 401, 404, 418, 500, 502, 504, 599])('%i is unknown', (status) => {
    expect(classOf(answered(status, '{"message":"why"}'))).toEqual(['unknown', 'MAKEGOOD_CALL_ANSWERED']);
  });

  test('what the participant said of its failure is in the message', () => {
    const { error } = meaning(answered(500, '{"message":"disk full"}')) as { readonly error: Error };
    expect(error.message).toBe('the action of step "reserve" was answered 500: disk full');
  });
});

describe('no answer', () => {
  const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

  test('not sent: nothing to undo', () => {
    expect(classOf({ kind: 'not-sent', error: reset })).toEqual(['not-done', 'MAKEGOOD_CALL_NOT_SENT']);
    expect(meaning({ kind: 'not-sent', error: reset })).toMatchObject({ error: { effect: 'none', cause: reset } });
  });

  test('sent and lost: unknown, and perhaps still on its way', () => {
    expect(classOf({ kind: 'lost', reason: 'timeout', error: reset })).toEqual([
      'unknown',
      'MAKEGOOD_CALL_TIMED_OUT',
      true,
    ]);
    expect(classOf({ kind: 'lost', reason: 'reset', error: reset })).toEqual(['unknown', 'MAKEGOOD_CALL_BROKEN', true]);
  });

  test('a guard refused it: not made; the policy forbids it: not done', () => {
    const error = new RefusedError('MAKEGOOD_CIRCUIT_OPEN', 'open', { guard: 'inventory' });
    expect(meaning({ kind: 'refused', error })).toEqual({ outcome: 'not-made', error });
    const forbidden = new EgressError('http://10.0.0.1/', 'it is private');
    expect(meaning({ kind: 'forbidden', error: forbidden })).toEqual({ outcome: 'not-done', error: forbidden });
  });
});

describe('a status probe', () => {
  test('says whether the action was applied', () => {
    const applied = answered(200, '{"effect":"applied","output":7}');
    expect(meaning(applied, 'status')).toEqual({ outcome: 'probed', effect: 'applied', output: 7 });
    const none = answered(200, '{"effect":"none","output":7}');
    expect(meaning(none, 'status')).toEqual({ outcome: 'probed', effect: 'none', output: undefined });
  });

  test.each([
    [answered(200, '{"effect":"maybe"}')],
    [answered(200, '')],
    [answered(200, '[]')],
    [answered(201, '{"effect":"none"}')],
    [answered(404, '{"effect":"none"}')],
    [answered(409)],
    [answered(410)],
  ])('anything else is no knowledge (%j)', (answer) => {
    expect(classOf(answer, 'status')[0]).toBe('unknown');
  });
});
