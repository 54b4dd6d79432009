/** What a server, its client and its participants read that others have written. */
import { isMakegoodError } from '../../src/errors.ts';
import { makegoodClient } from '../../src/client/makegood-client.ts';
import { readDeadlineHeader } from '../../src/http/makegood-headers.ts';
import { listQuery } from '../../src/journal/list-query.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { answerMeaning } from '../../src/outbound/answer-meaning.ts';
import { egressPolicy } from '../../src/outbound/egress-policy.ts';
import { readCallHeaders, RefusedRequest } from '../../src/participant/participant-request.ts';
import { retryAfterMs } from '../../src/retry/retry-after.ts';
import { openServer } from '../../src/server/open-server.ts';
import { withTrace } from '../../src/server/trace-headers.ts';
import { retryOptions } from '../../src/server/wire-retry.ts';
import { remoteParticipants } from '../../src/testing/remote-participants.ts';
import { issuesOf } from '../../src/wire/check-shape.ts';
import { readJson } from '../../src/wire/json-gate.ts';
import { operations } from '../../src/wire/operations.ts';
import { ProblemError } from '../../src/wire/problem.ts';
import type { PolicyRequest } from '../../src/wire/requests.ts';
import type { Inputs } from './inputs.ts';

/** What becomes of an input: taken, or refused in words; anything else is thrown. */
export type Verdict = 'taken' | 'refused';

/** One parser: reads an input that it draws itself. */
export interface Parser {
  readonly name: string;
  /** Its part of all inputs. */
  readonly share: number;
  readonly read: (inputs: Inputs) => Verdict | Promise<Verdict>;
}

const starts = [
  '{"id":"s","name":"trip","input":{"who":"Ada"},"steps":[{"name":"a","action":{"url":"http://p/a"},"compensation":{"url":"http://p/a/undo"}}]}',
  '{"name":"t","deadline":"5m","headers":{"x":"y"},"steps":[{"name":"a","after":[],"readOnly":true,"action":{"url":"http://p/","method":"PUT"},"retry":{"maxAttempts":3,"backoff":{"kind":"exponential","initialDelay":"1s"},"retryOn":["5xx",409]}}]}',
  '{"name":"waits"}',
  '{"note":"n","args":{"$from":"results.a"},"expectedSeq":3}',
  '[[1,2.5,-3e7],{"a":{"b":{"c":[true,false,null,"\\u00e9"]}}}]',
];
const policies = [
  '{"maxAttempts":4,"backoff":{"kind":"fixed","initialDelay":"200ms","jitter":"full"},"retryOn":["5xx","timeout",429]}',
  '{"maxAttempts":1}',
  '"patient"',
  '{"backoff":{"kind":"exponential","initialDelay":100,"factor":2,"maxDelay":"5s","jitter":"equal"},"respectRetryAfter":false}',
];
const problems = [
  '{"type":"about:blank","title":"The saga has ended","status":412,"code":"saga-ended","detail":"saga \\"s\\" has ended"}',
  '{"status":503,"code":"log-full"}',
];
const values = [
  '120',
  'Wed, 21 Oct 2015 07:28:00 GMT',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '1500',
  's/a/action',
  'action',
  'text/plain; charset=utf-8',
  'key=value,other=1',
];
const cursors = ['0', '123456', '999999999999999', '-1', '1e3', ' 7', '0x10'];
const paths = Object.values(operations).map(({ path }) => path.replaceAll(/\{\w+\}/g, 's'));
const queries = [
  '',
  '?limit=5',
  '?status=running&name=a',
  '?wait=1ms',
  '?saga=s',
  '?from=2026-01-01T00:00:00Z&cursor=7',
];
const urls = ['http://p/a', 'https://example.com:443/x?y=1', 'http://[::1]:80/', 'http://10.0.0.1/'];

/** Whether an error is a refusal in words: what a caller did wrong, told to that caller. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ProblemError ||
    error instanceof RefusedRequest ||
    error instanceof RangeError ||
    isMakegoodError(error)
  );
}

function judged(read: () => unknown): Verdict {
  try {
    read();
    return 'taken';
  } catch (error) {
    // What a function of ours says of its argument begins so; what the machine says does not.
    if (isRefusal(error) || (error instanceof TypeError && error.message.startsWith('Expected '))) return 'refused';
    throw error;
  }
}

/** Header values that the platform lets anybody make. */
function headersOf(inputs: Inputs, names: readonly string[]): Headers {
  const headers = new Headers();
  for (const name of names) {
    try {
      headers.set(name, inputs.mutated(values));
    } catch {
      // No request can carry it.
    }
  }
  return headers;
}

/** What a coordinator sends along with a call. */
const sound: Readonly<Record<string, string>> = {
  'idempotency-key': 's/a/action',
  'makegood-saga': 's',
  'makegood-step': 'a',
  'makegood-phase': 'action',
  'makegood-attempt': '1',
  'makegood-epoch': '3',
  'makegood-deadline': '3000',
};

const names = [
  'host',
  'content-type',
  'last-event-id',
  'traceparent',
  'idempotency-key',
  'authorization',
  'origin',
  'x-makegood',
];

const problem = async (inputs: Inputs): Promise<Verdict> => {
  const type = inputs.pick(['application/problem+json', 'application/json', 'text/html']);
  const status = inputs.pick([200, 400, 404, 412, 429]);
  const answer = new Response(inputs.mutated(problems), { status, headers: { 'content-type': type } });
  const client = makegoodClient({ url: 'http://localhost', fetch: () => Promise.resolve(answer) });
  return await client.signal('s', 'go', null).then(
    () => 'taken' as const,
    (error: unknown) =>
      judged(() => {
        throw error;
      }),
  );
};

const answered = (inputs: Inputs): Verdict => {
  const headers = Object.fromEntries(headersOf(inputs, ['retry-after', 'makegood-effect', 'content-type', 'date']));
  const status = inputs.pick([200, 201, 202, 204, 301, 409, 410, 425, 429, 500, 503]);
  const body = inputs.mutated([...problems, ...starts]);
  return judged(() => answerMeaning({ phase: 'action', step: 'a' }, { kind: 'answered', status, headers, body }, 0));
};

const header = (inputs: Inputs): Verdict => {
  const headers = new Headers(sound);
  const wrong = inputs.pick(Object.keys(sound));
  const text = inputs.mutated(values);
  for (const [name, value] of headersOf(inputs, [wrong, 'retry-after', 'traceparent'])) headers.set(name, value);
  retryAfterMs({ headers }, 0);
  readDeadlineHeader(text);
  withTrace({ a: text }, headers);
  return judged(() => readCallHeaders(headers));
};

const policy = (inputs: Inputs): Verdict =>
  judged(() => {
    const read = readJson(inputs.mutated(policies));
    const [issue] = issuesOf('PolicyRequest', read);
    if (issue !== undefined) throw new ProblemError('invalid', issue.message);
    retryOptions(read as unknown as PolicyRequest, '/retry');
  });

/** A server in memory, and what reads before it, behind it and beside it. */
export async function openParsers(): Promise<readonly Parser[] & AsyncDisposable> {
  const caller = remoteParticipants({ 'http://p/': () => new Response(null, { status: 204 }) });
  const server = await openServer({ journal: memoryJournal(), sagas: [], caller });
  const egress = egressPolicy(['public', 'p', '*.example.com:443']);

  const request = async (inputs: Inputs): Promise<Verdict> => {
    const method = inputs.pick(['GET', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD']);
    // One part is wrong at a time: what is wrong in all of them is refused by the first that looks.
    const wrong = inputs.pick(['headers', 'path', 'query', 'body', 'nothing']);
    const part = (name: string, texts: readonly string[]): string =>
      wrong === name ? inputs.mutated(texts) : inputs.pick(texts);
    const headers = wrong === 'headers' ? headersOf(inputs, names) : new Headers();
    if (!headers.has('host') || inputs.below(2) === 0) headers.set('host', 'localhost');
    if (!headers.has('content-type') || inputs.below(2) === 0) headers.set('content-type', 'application/json');
    const target = `/${part('path', paths)}${part('query', queries)}`.replace(/^\/+/, '/');
    if (!URL.canParse(`http://localhost${target}`)) return 'refused';
    const body = method === 'GET' || method === 'HEAD' ? {} : { body: part('body', starts) };
    const answer = await server.handle(new Request(`http://localhost${target}`, { method, headers, ...body }));
    await answer.body?.cancel();
    if (answer.status === 500) throw new Error(`${method} ${target} was answered 500`);
    return answer.status < 400 ? 'taken' : 'refused';
  };

  const parsers: readonly Parser[] = [
    { name: 'JSON gate', share: 0.3, read: (inputs) => judged(() => readJson(inputs.mutated(starts))) },
    { name: 'policy', share: 0.15, read: policy },
    { name: 'headers', share: 0.2, read: header },
    { name: 'cursor', share: 0.1, read: (inputs) => judged(() => listQuery({ cursor: inputs.mutated(cursors) })) },
    { name: 'URL gate', share: 0.1, read: (inputs) => judged(() => egress.checkUrl(inputs.mutated(urls))) },
    { name: 'answer', share: 0.05, read: answered },
    { name: 'problem', share: 0.02, read: problem },
    { name: 'request', share: 0.08, read: request },
  ];
  return Object.assign(parsers, { [Symbol.asyncDispose]: () => server.close() });
}
