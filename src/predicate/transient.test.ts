import { expect, test } from 'vitest';
import { isAbort, isTimeout } from './abort.ts';
import { isTransient } from './transient.ts';
import {
  fetchFailureMessages,
  kindByCode,
  kindByMessage,
  kindByName,
  transientReplies,
  transientSqlStates,
} from './transient-table.ts';

/** Which of the three predicates hold, in the order transient, time-out, abort. */
const judge = (error: unknown): string =>
  [isTransient(error) && 'transient', isTimeout(error) && 'timeout', isAbort(error) && 'abort']
    .filter((word) => word !== false)
    .join(' + ');

const abortedBy = (cause: unknown): Error => Object.assign(new Error('aborted', { cause }), { name: 'AbortError' });

test.each(Object.entries(kindByCode))('code %s is of kind %s', (code, kind) => {
  expect(judge({ code })).toBe(kind === 'timeout' ? 'transient + timeout' : kind);
});

test.each([...Object.entries(kindByName), ...Object.entries(kindByMessage)])(
  'name or text %s is of kind %s',
  (term, kind) => {
    const error = term in kindByName ? { name: term } : new Error(term);
    expect(judge(error)).toBe(kind === 'timeout' ? 'transient + timeout' : kind);
  },
);

test.each(transientReplies)(
  'a reply of Redis that begins with %s is transient, a text that only has the word is not',
  (word) => {
    expect(judge(new Error(`${word} as Redis says it`))).toBe('transient');
    expect([judge(new Error(`not ${word} at all`)), judge(new Error(`${word}LY`))]).toEqual(['', '']);
    expect(judge(Object.assign(new Error(`${word} as nobody says it`), { code: 'ODD' }))).toBe('');
  },
);

test("a library's word on its own errors is taken either way, on those of others not at all", () => {
  expect(judge({ name: 'KafkaJSError', retriable: true })).toBe('transient');
  expect(judge({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED', retriable: false })).toBe('');
  expect(judge({ name: 'Error', retriable: true })).toBe('');
  expect(judge({ code: 'PLT_KFK_PROTOCOL', canRetry: true })).toBe('transient');
  expect(judge({ code: 'PLT_KFK_USER', canRetry: false, cause: { code: 'ECONNRESET' } })).toBe('');
  expect(judge({ code: 'ODD', canRetry: true })).toBe('');
  expect(judge({ name: 'OddException', $retryable: {}, $metadata: { httpStatusCode: 400 } })).toBe('transient');
  expect(judge({ name: 'OddException', $retryable: null, $metadata: { httpStatusCode: 400 } })).toBe('');
});

test('a client that has given up retrying is judged by what it gave up on', () => {
  const gaveUp = { name: 'KafkaJSNumberOfRetriesExceeded', retriable: false };
  expect(judge({ ...gaveUp, cause: { name: 'KafkaJSConnectionError', retriable: true } })).toBe('transient');
  expect(judge({ ...gaveUp, cause: { name: 'KafkaJSProtocolError', retriable: false } })).toBe('');
});

test('throttling by AWS is transient, though its status is 400', () => {
  expect(judge({ name: 'ThrottlingException', $fault: 'client', $metadata: { httpStatusCode: 400 } })).toBe(
    'transient',
  );
  expect(judge({ name: 'ValidationException', $fault: 'client', $metadata: { httpStatusCode: 400 } })).toBe('');
});

test('HTTP 429, 502, 503 and 504 are transient, every other status is not', () => {
  const transient = Array.from({ length: 500 }, (_, index) => index + 100).filter((status) => isTransient({ status }));
  expect(transient).toEqual([429, 502, 503, 504]);
});

test('a status is found where libraries put it: status, statusCode, response.status, response.statusCode', () => {
  const places = [
    { status: 503 },
    { statusCode: 503 },
    { response: { status: 503 } },
    { response: { statusCode: 503 } },
    { status: 'error', statusCode: 503 },
    new Response(null, { status: 503 }),
  ];
  for (const error of places) expect(judge(error)).toBe('transient');
});

test('gRPC: UNAVAILABLE is transient, DEADLINE_EXCEEDED a time-out, CANCELLED an abort, the others nothing', () => {
  const numbers = Array.from({ length: 17 }, (_, code) => judge({ code, details: '', metadata: {} }));
  const expected = Array.from({ length: 17 }, () => '');
  [expected[1], expected[4], expected[14]] = ['abort', 'transient + timeout', 'transient'];
  expect(numbers).toEqual(expected);
  expect(
    ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INVALID_ARGUMENT', 'ALREADY_EXISTS'].map((code) => judge({ code })),
  ).toEqual(['transient', 'transient + timeout', '', '']);
  expect(judge({ code: 503, status: 'UNAVAILABLE' })).toBe('');
  expect(judge({ status: 'UNAVAILABLE' })).toBe('transient');
});

test('small numbers that are no gRPC statuses are not taken for them: MongoDB 14 TypeMismatch, DOMException 4 and 14', () => {
  expect(judge(Object.assign(new Error('type mismatch'), { code: 14, codeName: 'TypeMismatch' }))).toBe('');
  expect(judge(new DOMException('odd', 'WrongDocumentError'))).toBe('');
  expect(judge(new DOMException('odd', 'NamespaceError'))).toBe('');
});

test.each(transientSqlStates)('SQLSTATE %s is transient, from pg and from mysql2', (state) => {
  expect(judge({ code: state })).toBe('transient');
  expect(judge({ code: 'ER_SOME_NAME', errno: 1213, sqlState: state })).toBe('transient');
});

test('a unique violation, a syntax error and a protocol violation of the database are not transient', () => {
  for (const code of ['23505', '42601', '08P01', '57014', '22P02', 'XX000']) expect(judge({ code })).toBe('');
});

test('a deadline of makegood is a time-out, every other error of makegood is permanent, whatever its cause', () => {
  const cause = { code: 'ECONNRESET' };
  expect(judge({ code: 'MAKEGOOD_DEADLINE_EXCEEDED', cause })).toBe('transient + timeout');
  expect(judge({ code: 'MAKEGOOD_CIRCUIT_OPEN', cause })).toBe('');
});

test('what browsers say of a failed fetch is transient, but only as a TypeError', () => {
  for (const message of fetchFailureMessages) {
    expect([judge(new TypeError(message)), judge(new Error(message))]).toEqual(['transient', '']);
  }
  expect(judge(new TypeError('x is not a function'))).toBe('');
});

test('unknown errors and things that are no errors are not transient', () => {
  const thrown = [
    new Error('odd'),
    new TypeError('fetch failed'),
    'ECONNRESET',
    503,
    14,
    null,
    undefined,
    {},
    Symbol('x'),
  ];
  for (const error of thrown) expect(judge(error)).toBe('');
  expect(judge({ code: 'toString', name: 'constructor' })).toBe('');
});

test('the outermost error that says something decides: a 404 caused by a time-out is a 404', () => {
  expect(judge({ status: 404, cause: { code: 'ETIMEDOUT' } })).toBe('');
  expect(judge({ status: 503, cause: { status: 404 } })).toBe('transient');
  expect(judge({ status: 503, code: 'ERR_BAD_RESPONSE' })).toBe('transient');
  expect(judge({ status: 404, code: 'ECONNRESET' })).toBe('');
  expect(judge({ status: 200, code: 'ECONNRESET' })).toBe('transient');
});

test('an error that says nothing is what its cause is, however deep', () => {
  let error: unknown = { code: 'ECONNRESET' };
  for (let depth = 0; depth < 500; depth++) error = new Error('wrapped', { cause: error });
  expect(judge(error)).toBe('transient');
  expect(judge(new Error('stopped', { cause: new DOMException('stop', 'AbortError') }))).toBe('abort');
});

test('an abort caused by a time-out is a time-out, an abort caused by anything else an abort', () => {
  expect(judge(abortedBy(new DOMException('late', 'TimeoutError')))).toBe('transient + timeout');
  expect(judge(abortedBy({ code: 'ECONNRESET' }))).toBe('abort');
  expect(judge(abortedBy(undefined))).toBe('abort');
});

test('an aggregate is what all of its errors are', () => {
  const [reset, late, odd] = [{ code: 'ECONNRESET' }, { code: 'ETIMEDOUT' }, new Error('odd')];
  expect(judge(new AggregateError([reset, reset]))).toBe('transient');
  expect(judge(new AggregateError([late, late]))).toBe('transient + timeout');
  expect(judge(new AggregateError([late, reset]))).toBe('transient');
  expect(judge(new AggregateError([reset, odd]))).toBe('');
  expect(judge(new AggregateError([odd, reset]))).toBe('');
  expect(judge(new AggregateError([reset, { status: 404 }]))).toBe('');
  expect(judge(new AggregateError([], 'empty', { cause: reset }))).toBe('transient');
});

test('circles and endless chains end, and are not transient', () => {
  const circle = new Error('circle');
  circle.cause = new Error('inner', { cause: circle });
  expect(judge(circle)).toBe('');
  const snake = new AggregateError([{ code: 'ECONNRESET' }]);
  snake.errors.push(snake);
  expect(judge(snake)).toBe('');
  const endless = (): object => ({
    get cause() {
      return endless();
    },
  });
  expect(judge(endless())).toBe('');
  const wide = new AggregateError(Array.from({ length: 1_000_000 }, () => ({ code: 'EPIPE' })));
  expect(judge(wide)).toBe('');
});

test('getters and proxies that throw do not escape', () => {
  const throwing = {
    get code(): string {
      throw new Error('no code for you');
    },
    status: 503,
  };
  expect(judge(throwing)).toBe('transient');
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('trap');
      },
    },
  );
  expect(judge(hostile)).toBe('');
  expect(judge({ cause: hostile, errors: null })).toBe('');
});
