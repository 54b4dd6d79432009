import type { JsonValue } from '../saga/json-value.ts';
import { toJsonValue } from '../saga/json-value.ts';
import type { RemoteAnswer } from './remote-caller.ts';

/** An answer with a status. */
export type Answered = Extract<RemoteAnswer, { readonly kind: 'answered' }>;

/** What the body of an answer holds, or why nothing of it can be used. */
export type AnswerBody =
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly why: string };

const deepest = 64;

const faults: Readonly<Record<NonNullable<Answered['bodyFault']>, string>> = {
  'too-long': 'it is longer than 1 MiB',
  'cut-off': 'it broke off before its end',
  'not-text': 'it is not UTF-8',
};

/** Reads the body of an answer; whatever it is, nothing is thrown, since its effect is there already. */
export function bodyOf({ body, bodyFault }: Answered): AnswerBody {
  if (bodyFault !== undefined) return { kind: 'unreadable', why: faults[bodyFault] };
  if (body.trim() === '') return { kind: 'empty' };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { kind: 'unreadable', why: 'it is not JSON' };
  }
  const why = hostility(value, deepest);
  return why === undefined ? { kind: 'json', value: toJsonValue(value, 'answer') } : { kind: 'unreadable', why };
}

/** What makes a value one that is not taken into a journal, from which everything reads it. */
function hostility(value: unknown, levels: number): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'it has a number beyond all bounds';
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return `it is nested deeper than ${deepest}`;
  if (Object.hasOwn(value, '__proto__')) return 'it has a property "__proto__"';
  for (const item of Object.values(value)) {
    const why = hostility(item, levels - 1);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The code and the words in which a participant says no, as far as it does. */
export function reasonOf(answer: Answered): {
  readonly code: string | undefined;
  readonly message: string | undefined;
} {
  const body = bodyOf(answer);
  if (body.kind !== 'json') {
    const words = answer.body.trim().slice(0, longestWords);
    return { code: undefined, message: body.kind === 'unreadable' && words !== '' ? words : undefined };
  }
  if (typeof body.value === 'string') return { code: undefined, message: body.value };
  const { code, message, detail, title } = (body.value ?? {}) as Readonly<Record<string, unknown>>;
  const said = [message, detail, title].find((words) => typeof words === 'string' && words !== '');
  return {
    code: typeof code === 'string' && codePattern.test(code) ? code : undefined,
    message: typeof said === 'string' ? said : undefined,
  };
}

const longestWords = 500;
const codePattern = /^[\w.:-]{1,100}$/;
