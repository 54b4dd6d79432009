import { Mismatch } from './mismatch.ts';

/** What a participant answered, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An answer as a person reads it in a report. */
export function shown({ status, text }: Answer): string {
  const body = text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
  return body === '' ? `${status} without a body` : `${status} ${body}`;
}

/** The body as JSON; `undefined` when there is none or it cannot be read. */
export function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** One property of a body that is a JSON object. */
export function fieldOf(answer: Answer, name: string): unknown {
  const body = jsonOf(answer);
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>)[name] : undefined;
}

const doneStatuses: ReadonlySet<number> = new Set([200, 201, 204]);

/** Whether an answer says that the call is done (wire.md: 200, 201, 204; 410 for what is undone already). */
export function isDone({ status }: Answer, phase: 'action' | 'compensation' | 'status' = 'action'): boolean {
  return doneStatuses.has(status) || (phase === 'compensation' && status === 410);
}

/** Whether an answer says to ask again: another copy of the call is at work, or it cannot be told yet. */
export function isLater({ status }: Answer): boolean {
  return status === 202 || status === 425;
}

export function expectDone(answer: Answer, what: string, phase: 'action' | 'compensation' = 'action'): void {
  const wanted = phase === 'action' ? '200, 201 or 204' : '200, 201, 204 or 410';
  if (!isDone(answer, phase)) throw new Mismatch(`Expected ${what} to be answered ${wanted}, got ${shown(answer)}`);
}

export function expectRefused(answer: Answer, what: string): void {
  if (answer.status !== 409) throw new Mismatch(`Expected ${what} to be answered 409, got ${shown(answer)}`);
}

/** A duplicate is given the reply that was kept, word for word. */
export function expectSame(answer: Answer, first: Answer, what: string): void {
  if (answer.status === first.status && answer.text === first.text) return;
  throw new Mismatch(`Expected ${what} to be answered as the first was, ${shown(first)}, got ${shown(answer)}`);
}

/** A refusal of a call that can never be served: the caller's fault, and not a definite failure of the business. */
export function expectCallRefused(answer: Answer, what: string): void {
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 409 && answer.status !== 425) return;
  throw new Mismatch(`Expected ${what} to be answered 4xx (not 409, not 425), got ${shown(answer)}`);
}

/** `fetch` says only "fetch failed"; what happened stands in its cause. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  // Several addresses were tried, each with an error of its own (`AggregateError` has no message then).
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : String(first);
}
