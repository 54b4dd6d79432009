import { type TSchema, Type } from 'typebox';
import type { Right } from './rights.ts';
import { statuses } from './saga.ts';
import { anything, name, oneOf, text, time } from './shape.ts';

/** A parameter in a query or a header. */
export interface Parameter {
  readonly in: 'query' | 'header';
  readonly schema: TSchema;
  readonly description: string;
}

/** An answer that is no problem: what it means, and the schema of its body by name; without one it has none. */
export interface Answer {
  readonly means: string;
  readonly body?: string;
  /** Default JSON. */
  readonly type?: string;
}

/** One thing that can be asked of the server. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With parameters in braces, each a name. */
  readonly path: string;
  /** Absent where no credential is needed. */
  readonly right?: Right;
  /** Whether it concerns the sagas of all namespaces, so that no credential of one may ask it. Default no. */
  readonly ofAll?: true;
  readonly summary: string;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** The schema of the body by name; absent: it has none, and one that is sent is not read. */
  readonly body?: string;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Statuses of problems that it has beside those of every operation. */
  readonly refusals?: readonly number[];
}

const inQuery = (schema: TSchema, description: string): Parameter => ({ in: 'query', schema, description });
const saga = { means: 'The saga as it is now.', body: 'SagaView' };

const decision = (verb: Right, summary: string): Operation => ({
  method: 'POST',
  path: `/v1/sagas/{id}/steps/{step}/${verb}`,
  right: verb,
  summary,
  body: 'DecisionRequest',
  answers: { 202: saga },
  refusals: [404, 409, 412],
});

const decisionOnWhole = (verb: Right, summary: string): Operation => ({
  ...decision(verb, summary),
  path: `/v1/sagas/{id}/${verb}`,
});

/** The name of something that can be asked of the server. */
export type OperationId =
  | 'startSaga'
  | 'listSagas'
  | 'getSaga'
  | 'getHistory'
  | 'getOutcome'
  | 'restartSaga'
  | 'renewSaga'
  | 'cancelSaga'
  | 'terminateSaga'
  | 'signalSaga'
  | 'deleteSaga'
  | 'listAttention'
  | 'retryStep'
  | 'retryStepWith'
  | 'resolveStep'
  | 'skipStep'
  | 'forwardStep'
  | 'retrySaga'
  | 'resolveSaga'
  | 'watchEvents'
  | 'listPolicies'
  | 'setPolicy'
  | 'deletePolicy'
  | 'getDocument'
  | 'getLiveness'
  | 'getReadiness'
  | 'getMetrics';

/** Everything that can be asked of the server, by its name: what it serves, what it checks, and what its document says. */
export const operations: Readonly<Record<OperationId, Operation>> = {
  startSaga: {
    method: 'POST',
    path: '/v1/sagas',
    right: 'start',
    summary: 'Accept a saga. Durable when it is answered; the same id with the same request is the same saga.',
    body: 'StartRequest',
    answers: {
      201: { ...saga, means: 'Accepted. `Location` leads to it.' },
      200: { ...saga, means: 'It was accepted before, by the same request; nothing was driven again.' },
    },
    refusals: [409, 410, 429, 503],
  },
  listSagas: {
    method: 'GET',
    path: '/v1/sagas',
    right: 'read',
    summary: 'Sagas, newest first, in pages.',
    parameters: {
      status: inQuery(oneOf(...statuses), 'Only these.'),
      name: inQuery(name, 'Only sagas of this name.'),
      step: inQuery(name, 'Only unfinished sagas that are at this step.'),
      from: inQuery(time, 'Only sagas created then or later.'),
      to: inQuery(time, 'Only sagas created then or earlier.'),
      limit: inQuery(Type.Integer({ minimum: 1, maximum: 1000 }), 'How many a page. Default 50.'),
      cursor: inQuery(text, '`nextCursor` of the page before.'),
    },
    answers: { 200: { means: 'A page.', body: 'SagaPage' } },
  },
  getSaga: {
    method: 'GET',
    path: '/v1/sagas/{id}',
    right: 'read',
    summary: 'A saga as the log has it now.',
    answers: { 200: saga },
    refusals: [404],
  },
  getHistory: {
    method: 'GET',
    path: '/v1/sagas/{id}/history',
    right: 'read',
    summary: 'Every record of a saga in order.',
    answers: { 200: { means: 'All of it.', body: 'History' } },
    refusals: [404],
  },
  getOutcome: {
    method: 'GET',
    path: '/v1/sagas/{id}/outcome',
    right: 'read',
    summary: 'How a saga ended, waiting for that a while.',
    parameters: { wait: inQuery(text, 'How long to wait, such as `30s`; at most a minute. Default 0.') },
    answers: {
      200: { means: 'It has ended: completed, compensated or terminated.', body: 'Outcome' },
      202: { means: 'It has not yet.', body: 'Outcome' },
    },
    refusals: [404],
  },
  restartSaga: {
    method: 'POST',
    path: '/v1/sagas/{id}/restart',
    right: 'restart',
    summary: 'Run a saga that has ended anew, as `id@2`, then `id@3`. Asked twice of one run, it is the same next run.',
    body: 'RestartRequest',
    answers: {
      201: { ...saga, means: 'The next run, accepted. `Location` leads to it.' },
      200: { ...saga, means: 'The next run, which was there already.' },
    },
    refusals: [404, 409, 410, 412, 429, 503],
  },
  renewSaga: {
    method: 'POST',
    path: '/v1/sagas/{id}/renew',
    right: 'renew',
    summary: 'Let a saga go forward until `deadline` from now. Only ever extends.',
    body: 'RenewRequest',
    answers: { 202: saga },
    refusals: [404, 409, 412],
  },
  cancelSaga: {
    method: 'POST',
    path: '/v1/sagas/{id}/cancel',
    right: 'cancel',
    summary: 'Turn a saga round before its point of no return.',
    body: 'StopRequest',
    answers: { 202: { ...saga, means: 'It is being undone from now on.' }, 200: { ...saga, means: 'It was already.' } },
    refusals: [404, 409, 412],
  },
  terminateSaga: {
    method: 'POST',
    path: '/v1/sagas/{id}/terminate',
    right: 'terminate',
    summary: 'Stop a saga where it stands. Nothing is undone; a person looks after the rest.',
    body: 'StopRequest',
    answers: { 202: saga },
    refusals: [404, 412],
  },
  signalSaga: {
    method: 'POST',
    path: '/v1/sagas/{id}/signals/{signal}',
    right: 'signal',
    summary: 'Send a signal; the body is its payload, and without one it is null.',
    body: 'Payload',
    answers: { 202: saga },
    refusals: [404, 409, 412],
  },
  deleteSaga: {
    method: 'DELETE',
    path: '/v1/sagas/{id}',
    right: 'delete',
    summary: 'Take a saga that has ended out of sight. Its id stays taken.',
    answers: { 204: { means: 'It is not found any more.' } },
    refusals: [404, 409, 412],
  },
  listAttention: {
    method: 'GET',
    path: '/v1/attention',
    right: 'read',
    summary: 'What waits for a person, the longest wait first.',
    answers: { 200: { means: 'All of it.', body: 'Attention' } },
  },
  retryStep: decision('retry', 'Try again with a new budget of attempts.'),
  retryStepWith: decision('retry-with', 'Try again, with `args` as the input.'),
  resolveStep: decision('resolve', 'It was done by hand.'),
  skipStep: decision('skip', 'Leave the effect as it is, while the saga is undone.'),
  forwardStep: decision('forward', 'Go on without the step.'),
  retrySaga: decisionOnWhole('retry', 'Make the output of a saga again.'),
  resolveSaga: decisionOnWhole('resolve', 'Close a terminated saga, or give the output that it could not make.'),
  watchEvents: {
    method: 'GET',
    path: '/v1/events',
    right: 'read',
    summary: 'Records as they become durable, as server-sent events. The id of an event is the place of its record.',
    parameters: {
      saga: inQuery(name, "Only this saga's, from its first record."),
      'Last-Event-ID': { in: 'header', schema: text, description: 'Begin behind this one. Default: now.' },
    },
    answers: { 200: { means: 'A stream without end.', type: 'text/event-stream' } },
    refusals: [404, 503],
  },
  listPolicies: {
    method: 'GET',
    path: '/v1/policies',
    right: 'read',
    ofAll: true,
    summary: 'Retry policies that were given to steps from outside.',
    answers: { 200: { means: 'All of them.', body: 'Policies' } },
  },
  setPolicy: {
    method: 'PUT',
    path: '/v1/policies/{saga}/{step}',
    right: 'policy',
    ofAll: true,
    summary: 'Give a step a retry policy, for every attempt not yet scheduled.',
    parameters: { phase: inQuery(oneOf('action', 'compensation'), 'Of which call. Default `action`.') },
    body: 'PolicyRequest',
    answers: { 200: { means: 'It holds.', body: 'PolicyLine' } },
    refusals: [404],
  },
  deletePolicy: {
    method: 'DELETE',
    path: '/v1/policies/{saga}/{step}',
    right: 'policy',
    ofAll: true,
    summary: "Let the definition's own policy hold again.",
    parameters: { phase: inQuery(oneOf('action', 'compensation'), 'Of which call. Default `action`.') },
    answers: { 204: { means: 'It does.' } },
  },
  getDocument: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document.',
    answers: { 200: { means: 'OpenAPI 3.1.', body: 'Payload' } },
  },
  getLiveness: {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process lives.',
    answers: { 200: { means: 'It does.', body: 'Payload' } },
  },
  getReadiness: {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether it takes sagas: recovery is done and the log can be written.',
    answers: { 200: { means: 'It does.', body: 'Payload' } },
    refusals: [503],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    right: 'metrics',
    ofAll: true,
    summary: "Metrics in Prometheus' text format.",
    answers: { 200: { means: 'All of them.', type: 'text/plain' } },
  },
};

/** The schema of a body that may be anything. */
export const payloadShape: TSchema = anything;
