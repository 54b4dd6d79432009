import { type Answer, expectCallRefused, expectRefused, expectSame, fieldOf, shown } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import { apply } from './once-checks.ts';
import type { Subject, SubjectCall } from './subject.ts';

const nothing = { applied: 0, undone: 0 };
type Change = Partial<SubjectCall>;

/** Malformed calls have left no trace when the proper call afterwards takes effect as if nothing had been. */
async function refuses(subject: Subject, changes: Readonly<Record<string, Change>>): Promise<void> {
  const saga = subject.newSaga();
  for (const [what, change] of Object.entries(changes)) {
    expectCallRefused(await subject.send({ saga, phase: 'action', ...change }), what);
    await subject.expectEffects(saga, nothing);
  }
  await apply(subject, saga);
  await subject.expectEffects(saga, { applied: 1, undone: 0 });
}

function withHeader(name: string, value: string | undefined): Change {
  return { headers: { [name]: value } };
}

const required = [
  'Idempotency-Key',
  'Makegood-Saga',
  'Makegood-Step',
  'Makegood-Phase',
  'Makegood-Attempt',
  'Makegood-Epoch',
];

const missing = Object.fromEntries(
  required.map((name) => [`a call without ${name}`, withHeader(name, undefined)] as const),
);

// Each of these is a number to the lenient parser of some language: Python's int() takes "1_0" and "+1", JavaScript's
// Number() takes "0x1", "1e0" and "", C's atoi takes "1 apple".
const numbers = Object.fromEntries(
  ['0x1', '1e0', '+1', '1_0', '1.5', '-1', '1 apple', '1, 2', 'NaN', '9'.repeat(40)].flatMap((text) => [
    [`an epoch of "${text}"`, withHeader('Makegood-Epoch', text)],
    [`an attempt of "${text}"`, withHeader('Makegood-Attempt', text)],
  ]),
);

const oddNames = ['..', 'a b', 'a/b', 'a%2Fb', 'x'.repeat(201), 'caf\u00e9'];
const names = Object.fromEntries(
  oddNames.map((name) => [
    `a saga called "${name.slice(0, 20)}"`,
    { headers: { 'Makegood-Saga': name, 'Idempotency-Key': `${name}/conformance/action` } },
  ]),
);

const bodies: Readonly<Record<string, Change>> = {
  'no body': { body: '' },
  'a body that is not JSON': { body: '{"sku":' },
  'a body with NaN in it': { body: '{"quantity":NaN}' },
  'a body with something behind it': { body: '{} {}' },
  'a body that is not UTF-8': { body: new Uint8Array([0x22, 0xff, 0x22]) },
  'a body that is nested 65 deep': { body: '['.repeat(65) + ']'.repeat(65) },
  'a body that is nested 100,000 deep': { body: '['.repeat(100_000) + ']'.repeat(100_000) },
  'a body that is no JSON by its type': { headers: { 'Content-Type': 'text/plain' } },
  'a body without a type': { headers: { 'Content-Type': undefined }, body: new Uint8Array([0x7b, 0x7d]) },
};

async function tooLarge(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const body = JSON.stringify('x'.repeat(2 * 1024 * 1024));
  // Whoever stops reading may close the connection before its answer has been heard.
  const answer = await subject.send({ saga, phase: 'action', body }).catch((error: unknown) => {
    if (error instanceof Mismatch) return undefined;
    throw error;
  });
  if (answer !== undefined) expectCallRefused(answer, 'a body of 2 MiB');
  await apply(subject, saga);
  await subject.expectEffects(saga, { applied: 1, undone: 0 });
}

async function keyOfAnother(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const { step } = subject.settings;
  const keys = [`${saga}/${step}/compensation`, `${saga}/${step}`, `${saga}/other/action`, `${saga}/${step}/action/`];
  const changes = keys.map((key) => [`an action with the key "${key}"`, withHeader('Idempotency-Key', key)] as const);
  await refuses(subject, Object.fromEntries(changes));
}

async function otherMethods(subject: Subject): Promise<void> {
  await refuses(subject, { GET: { method: 'GET' }, PUT: { method: 'PUT' }, DELETE: { method: 'DELETE' } });
}

async function unknownHeaders(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const first = await apply(subject, saga);
  const headers = {
    baggage: 'user=alice,tier=gold;p=1',
    tracestate: 'vendor=00f067aa0ba902b7',
    traceparent: 'not-a-trace',
    'Makegood-Future': 'something that this version does not know',
    'X-Tenant': 'caf\u00e9',
    'X-Long': 'x'.repeat(4000),
  };
  expectSame(await subject.settle({ saga, phase: 'action', attempt: 2, headers }), first, 'a call with more headers');
  const fresh = subject.newSaga();
  const answer = await subject.settle({ saga: fresh, phase: 'action', headers });
  if (answer.status !== first.status)
    throw new Mismatch(`Expected headers that are not known to be ignored, got ${shown(answer)}`);
  await subject.expectEffects(fresh, { applied: 1, undone: 0 });
}

async function refusalKept(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const { refusedInput, input } = subject.settings;
  const first = await subject.settle({ saga, phase: 'action', input: refusedInput });
  expectRefused(first, 'an action that the business refuses');
  await subject.expectEffects(saga, nothing);
  // Asked with an input that would do, so that only a reply that was kept can still say no.
  const second = await subject.settle({ saga, phase: 'action', attempt: 2, input });
  expectSame(second, first, 'a second attempt of a refused action');
  await subject.expectEffects(saga, nothing);
}

function isProblem(answer: Answer): boolean {
  const type = answer.headers.get('content-type') ?? '';
  const said = [fieldOf(answer, 'code'), fieldOf(answer, 'message')];
  return type.startsWith('application/problem+json') && said.every((text) => typeof text === 'string');
}

async function refusalSpeaks(subject: Subject): Promise<void> {
  const { refusedInput } = subject.settings;
  const refusal = await subject.settle({ saga: subject.newSaga(), phase: 'action', input: refusedInput });
  const malformed = await subject.send({ saga: subject.newSaga(), phase: 'action', body: '{' });
  for (const answer of [refusal, malformed]) {
    if (!isProblem(answer))
      throw new Mismatch(`Expected a problem document with code and message, got ${shown(answer)}`);
  }
}

async function saysNothingWasDone(subject: Subject): Promise<void> {
  const answer = await subject.send({ saga: subject.newSaga(), phase: 'action', body: '{' });
  const effect = answer.headers.get('makegood-effect');
  if (effect !== 'none') throw new Mismatch(`Expected Makegood-Effect: none on ${shown(answer)}, got ${effect}`);
}

const atTheDoor =
  'Check every header before anything is written, with a pattern of your own instead of a lenient parser.';

/** Calls are read strictly, and what cannot be served leaves no trace. */
export const formChecks: readonly ConformanceCheck[] = checksOf('form', {
  'headers-required': {
    proves:
      'Key, saga, step, phase, attempt and epoch are required: a call without one is answered 4xx, without effect.',
    advice: atTheDoor,
    run: async (subject) => refuses(subject, missing),
  },
  'phase-known': {
    proves: 'The phase is action, compensation or status; anything else is answered 4xx.',
    advice: atTheDoor,
    run: async (subject) => refuses(subject, { 'the phase "forward"': withHeader('Makegood-Phase', 'forward') }),
  },
  'numbers-strict': {
    proves: 'Attempt and epoch are decimal digits; what only looks like a number is answered 4xx.',
    advice: atTheDoor,
    run: async (subject) => refuses(subject, numbers),
  },
  'names-strict': {
    proves: 'A saga’s id that breaks the rule for ids is answered 4xx.',
    advice: atTheDoor,
    run: async (subject) => refuses(subject, names),
  },
  'key-of-the-call': {
    proves:
      'The idempotency key is <saga>/<step>/action or …/compensation; one that names another call is answered 4xx.',
    advice: 'Compare the key with the one that saga, step and phase make.',
    run: keyOfAnother,
  },
  'body-json': {
    proves: 'The body is JSON in UTF-8, at most 64 levels deep; anything else is answered 4xx, without effect.',
    advice: 'Use a strict parser, bound the depth before or while reading, and check the type.',
    run: async (subject) => refuses(subject, bodies),
  },
  'body-bounded': {
    proves: 'A body over 1 MiB is refused, and the participant goes on serving.',
    advice: 'Count while you read, whatever Content-Length says, and close the connection.',
    run: tooLarge,
  },
  'post-only': {
    proves: 'A call is a POST; any other method is answered 4xx, without effect.',
    advice: 'Answer 405 with Allow: POST.',
    run: otherMethods,
  },
  'unknown-headers': {
    proves:
      'Headers that a participant does not know are ignored; the saga’s own and later versions’ come with every call.',
    advice: 'Read the headers you know and no others.',
    run: unknownHeaders,
  },
  'refusal-kept': {
    proves: 'An action that the business refuses is answered 409, leaves no effect, and stays refused for its key.',
    advice: 'Undo what the business wrote before it refused (SAVEPOINT), then keep the 409 in the row and commit.',
    needs: ['refused-input'],
    run: refusalKept,
  },
  'refusal-speaks': {
    proves: 'A refusal is a problem document (RFC 9457) with a code for programs and a message for people.',
    advice: 'Answer application/problem+json with {"code":…,"message":…}: the message becomes the reason of the saga.',
    level: 'should',
    needs: ['refused-input'],
    run: refusalSpeaks,
  },
  'effect-none': {
    proves: 'What is refused before anything was done says so: Makegood-Effect: none. Then nothing needs undoing.',
    advice: 'Set the header on every 4xx that is answered before the transaction begins.',
    level: 'should',
    run: saysNothingWasDone,
  },
});
