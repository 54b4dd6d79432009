export type { StartRequest } from '../wire/requests.ts';
export type { DecisionRequest, PolicyRequest } from '../wire/requests.ts';
export type { Problem, ProblemCode, ProblemIssue } from '../wire/problem.ts';
export type { WireAttentionItem, WireCallView, WireCompensationView, WireOutcome, WirePage } from '../wire/saga.ts';
export type { WirePolicy, WireRecord, WireSagaLine, WireSagaView, WireStatus } from '../wire/saga.ts';
export type { WireStepState, WireStepView } from '../wire/saga.ts';
export type { WireBackoff, WireCall, WireFailure, WireRetry, WireStep } from '../wire/step.ts';
export { ServerRefusedError, ServerUnreachableError } from './client-errors.ts';
export type { ClientOptions } from './connection.ts';
export {
  type CallOptions,
  type MakegoodClient,
  makegoodClient,
  type PolicyOptions,
  type SagaQuery,
  type WatchOptions,
} from './makegood-client.ts';
