import { expect } from 'vitest';
import { memoryJournal } from '../../../src/journal/memory-journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { JsonValue } from '../../../src/saga/json-value.ts';
import { saga } from '../../../src/saga/saga.ts';
import { openServer, type Server, type ServerOptions } from '../../../src/server/open-server.ts';
import { findOperation } from '../../../src/server/router.ts';
import {
  type RemoteHandler,
  remoteParticipants,
  type RemoteParticipants,
  type RemoteParticipantsOptions,
} from '../../../src/testing/remote-participants.ts';
import { type TestClock, testClock } from '../../../src/testing/test-clock.ts';
import { issuesOf } from '../../../src/wire/check-shape.ts';
import type { WireStep } from '../../../src/wire/step.ts';

/** Answers of participants. */
export const ok = (): Response => Response.json({ ok: true });
export const refuse = (): Response => new Response(null, { status: 409 });
export const hang = (): Promise<Response> => new Promise(() => undefined);

/** A saga that waits for a signal. */
export const waits = saga('waits')
  .input()
  .wait('approval')
  .output(({ results }) => results.approval);

/** An answer, read. */
export interface Read {
  readonly status: number;
  readonly headers: Headers;
  /** A test says what it expects of it. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** A server in virtual time, its participants, and a client that holds each answer to the document. */
export interface Bench extends AsyncDisposable {
  readonly server: Server;
  readonly clock: TestClock;
  readonly participants: RemoteParticipants;
  ask(method: string, path: string, body?: JsonValue, headers?: Readonly<Record<string, string>>): Promise<Read>;
  /** Sends a request as it is. */
  send(method: string, path: string, init?: RequestInit): Promise<Response>;
  /** What of each call was asked, in words: `action reserve 1`. */
  calls(): string[];
}

/** Options of {@link open}. */
export interface BenchOptions extends Partial<Omit<ServerOptions, 'clock'>>, RemoteParticipantsOptions {
  readonly clock?: TestClock;
  readonly journal?: Journal;
  /** Handlers by URL. Default: everything at `http://p/` is done and answers its step. */
  readonly routes?: Readonly<Record<string, RemoteHandler>>;
}

/** A participant that does what it is asked, and answers the name of the step. */
const obliging: RemoteHandler = ({ headers }) =>
  Response.json({ id: `${headers.get('makegood-step')}-${headers.get('makegood-phase')}` });

const base = 'http://localhost:7788';

async function readAnswer(response: Response, method: string, path: string): Promise<Read> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : text;
  hold(response, method, path, body as JsonValue);
  return { status: response.status, headers: response.headers, body };
}

/** Holds an answer to what the document says of its operation. */
function hold({ status, headers }: Response, method: string, path: string, body: JsonValue): void {
  if (status >= 400) {
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(issuesOf('Problem', body)).toEqual([]);
    return;
  }
  const { operation } = findOperation(method, path.split('?')[0] as string);
  const answer = operation.answers[status];
  expect(answer, `${method} ${path} answered ${status}`).toBeDefined();
  if (answer?.body !== undefined && method !== 'HEAD') expect(issuesOf(answer.body, body)).toEqual([]);
}

export async function open(options: BenchOptions = {}): Promise<Bench> {
  const { routes = { 'http://p/': obliging }, fault, clock = testClock(), ...server } = options;
  const participants = remoteParticipants(routes, fault === undefined ? {} : { fault });
  const opened = await openServer({ journal: memoryJournal(), sagas: [], caller: participants, ...server, clock });
  const send = (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has('host')) headers.set('host', 'localhost:7788');
    return opened.handle(new Request(`${base}${path}`, { method, ...init, headers }));
  };
  return {
    server: opened,
    clock,
    participants,
    send,
    async ask(method, path, body, headers = {}) {
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      return readAnswer(await send(method, path, { ...json, headers: { ...type, ...headers } }), method, path);
    },
    calls: () => participants.calls.map((call) => `${call.phase} ${call.step} ${call.attempt}`),
    async [Symbol.asyncDispose]() {
      const closing = opened.close();
      await clock.advance(7_200_000);
      await closing;
    },
  };
}

/** A step at the obliging participant, that can be undone. */
export function step(name: string, more: Partial<WireStep> = {}): WireStep {
  return { name, action: { url: `http://p/${name}` }, compensation: { url: `http://p/${name}/undo` }, ...more };
}

/** A request of steps. */
export function request(
  id: string,
  steps: readonly WireStep[],
  more: Readonly<Record<string, JsonValue>> = {},
): JsonValue {
  return { id, name: 'trip', input: { who: 'Ada' }, steps: steps as unknown as JsonValue, ...more };
}
