import { expect, test } from 'vitest';
import { MakegoodError } from '../errors.ts';
import { failureOutcome } from './outcome.ts';

test('a rejection counts as a failure unless the caller cancelled', () => {
  expect(failureOutcome(undefined)).toBe('failure');
  expect(failureOutcome(new AbortController().signal)).toBe('failure');
  for (const reason of [undefined, new Error('left'), 'text', new DOMException('', 'AbortError')]) {
    expect(failureOutcome(AbortSignal.abort(reason))).toBe('abort');
  }
});

test('a callee that was too slow has failed, though its signal was aborted', () => {
  const late = new MakegoodError('MAKEGOOD_DEADLINE_EXCEEDED', 'too late');
  for (const reason of [late, new DOMException('', 'TimeoutError')]) {
    expect(failureOutcome(AbortSignal.abort(reason))).toBe('failure');
  }
});
