export { type AnswerMeaning, answerMeaning } from './answer-meaning.ts';
export { type EgressPolicy, egressPolicy } from './egress-policy.ts';
export { http, type HttpStepOptions, type HttpUndoOptions, remoteRetryDefaults } from './http-step.ts';
export { EgressError, isRepeatableCall, RemoteCallError, type RemoteFailure } from './remote-call-error.ts';
export type { BodyFault, RemoteAnswer, RemoteCall, RemoteCaller, RemotePhase } from './remote-caller.ts';
export { isReservedHeader, type RemoteMethod, type RemoteTarget } from './remote-request.ts';
export type { SignedMessage, SignWebhook } from './webhook-signer.ts';
