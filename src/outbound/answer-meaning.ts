import type { RefusedError } from '../policy/refused-error.ts';
import { retryAfterMs } from '../retry/retry-after.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { type Answered, bodyOf, reasonOf } from './answer-body.ts';
import { EgressError, RemoteCallError } from './remote-call-error.ts';
import type { RemoteAnswer, RemoteCall } from './remote-caller.ts';

/** What an answer means for the step that was called. */
export type AnswerMeaning =
  /** Done. Without an `output` the answer had none that could be used; `warning` says so where one was expected. */
  | { readonly outcome: 'done'; readonly output: JsonValue | undefined; readonly warning?: string }
  /** What a status probe found. */
  | { readonly outcome: 'probed'; readonly effect: 'applied' | 'none'; readonly output: JsonValue | undefined }
  /** The participant is still at it: ask again, as the same attempt. */
  | { readonly outcome: 'in-progress'; readonly delayMs: number }
  /** Refused for certain: not applied, and never will be. */
  | { readonly outcome: 'failed'; readonly error: TerminalError }
  /** The call was not made at all: a guard refused it. */
  | { readonly outcome: 'not-made'; readonly error: RefusedError }
  /** It failed and nothing happened. */
  | { readonly outcome: 'not-done'; readonly error: RemoteCallError | EgressError }
  /** It failed and nobody knows what happened. */
  | { readonly outcome: 'unknown'; readonly error: RemoteCallError };

// What is asked again, and how soon, when a participant that is at work does not say; and the soonest, whatever it says:
// each question is a record in the journal.
const defaultPollMs = 1000;
const soonestPollMs = 100;

const doneStatuses: ReadonlySet<number> = new Set([200, 201, 204]);
const inProgressStatuses: ReadonlySet<number> = new Set([202, 425]);

/**
 * What an answer of a participant means: the classes of attempts, by the table of the protocol. Pure.
 *
 * @param call which call was answered.
 * @param answer what came of it.
 * @param now wall clock, ms since 1970, for a `Retry-After` that is a date.
 * @see docs/guides/remote-participants.md, the table of answers.
 * @example
 * const answer = { kind: 'answered', status: 202, headers: { 'retry-after': '5' }, body: '' } as const;
 * answerMeaning({ phase: 'action', step: 'reserve' }, answer, 0) // => { outcome: 'in-progress', delayMs: 5000 }
 */
export function answerMeaning(
  call: Pick<RemoteCall, 'phase' | 'step'>,
  answer: RemoteAnswer,
  now: number,
): AnswerMeaning {
  switch (answer.kind) {
    case 'answered':
      return meaningOfStatus(call, answer, now);
    case 'refused':
      return { outcome: 'not-made', error: answer.error };
    case 'forbidden': {
      const { error } = answer;
      return {
        outcome: 'not-done',
        error: error instanceof EgressError ? error : new EgressError(call.step, wordsOf(error)),
      };
    }
    case 'not-sent': {
      const message = `${nameOf(call)} was not sent: ${wordsOf(answer.error)}`;
      const failure = { effect: 'none', cause: answer.error } as const;
      return { outcome: 'not-done', error: new RemoteCallError('MAKEGOOD_CALL_NOT_SENT', message, failure) };
    }
    case 'lost': {
      const timedOut = answer.reason === 'timeout';
      const what = timedOut ? 'was not answered in time' : 'was sent, and the connection broke before an answer';
      const code = timedOut ? 'MAKEGOOD_CALL_TIMED_OUT' : 'MAKEGOOD_CALL_BROKEN';
      const message = `${nameOf(call)} ${what}: ${wordsOf(answer.error)}`;
      return { outcome: 'unknown', error: new RemoteCallError(code, message, { inFlight: true, cause: answer.error }) };
    }
  }
}

function nameOf({ phase, step }: Pick<RemoteCall, 'phase' | 'step'>): string {
  return phase === 'status' ? `the status probe of step "${step}"` : `the ${phase} of step "${step}"`;
}

function wordsOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

function meaningOfStatus(call: Pick<RemoteCall, 'phase' | 'step'>, answer: Answered, now: number): AnswerMeaning {
  const { status } = answer;
  if (inProgressStatuses.has(status)) {
    return { outcome: 'in-progress', delayMs: Math.max(soonestPollMs, retryAfterMs(answer, now) ?? defaultPollMs) };
  }
  if (call.phase === 'status') return meaningOfProbe(call, answer, now);
  if (doneStatuses.has(status)) return meaningOfDone(call, answer);
  if (status === 410 && call.phase === 'compensation') return { outcome: 'done', output: undefined };
  if (status === 409) {
    const { code, message } = reasonOf(answer);
    // A coordinator that was replaced knows nothing of what its successor does with this step: it must not conclude.
    if (code === 'stale-epoch') return unclear(call, answer, now);
    const words = message ?? `${nameOf(call)} was refused by the participant`;
    return { outcome: 'failed', error: new TerminalError(words, { code: code ?? 'REFUSED' }) };
  }
  return unclear(call, answer, now);
}

function meaningOfDone({ phase }: Pick<RemoteCall, 'phase'>, answer: Answered): AnswerMeaning {
  const body = bodyOf(answer);
  if (body.kind === 'json') return { outcome: 'done', output: body.value };
  if (body.kind === 'empty' && (answer.status === 204 || phase === 'compensation')) {
    return { outcome: 'done', output: undefined };
  }
  const why = body.kind === 'empty' ? 'it is empty' : body.why;
  return {
    outcome: 'done',
    output: undefined,
    warning: `the body of the answer ${answer.status} was not taken as the output: ${why}`,
  };
}

function meaningOfProbe(call: Pick<RemoteCall, 'phase' | 'step'>, answer: Answered, now: number): AnswerMeaning {
  const body = bodyOf(answer);
  if (answer.status === 200 && body.kind === 'json' && typeof body.value === 'object') {
    const { effect, output } = (body.value ?? {}) as { readonly effect?: JsonValue; readonly output?: JsonValue };
    if (effect === 'applied' || effect === 'none') {
      return { outcome: 'probed', effect, output: effect === 'applied' ? output : undefined };
    }
  }
  return unclear(call, answer, now);
}

/** An answer that says neither that it was done nor that it was not, unless it says that nothing was. */
function unclear(call: Pick<RemoteCall, 'phase' | 'step'>, answer: Answered, now: number): AnswerMeaning {
  const { status, headers } = answer;
  const { message } = reasonOf(answer);
  const words = `${nameOf(call)} was answered ${status}${message === undefined ? '' : `: ${message}`}`;
  const failure = { status, retryAfterMs: retryAfterMs(answer, now) };
  const effect = status >= 400 && headers['makegood-effect']?.trim().toLowerCase() === 'none' ? 'none' : undefined;
  const error = new RemoteCallError('MAKEGOOD_CALL_ANSWERED', words, { ...failure, effect });
  return { outcome: effect === 'none' ? 'not-done' : 'unknown', error };
}
