export { type AnswerMeaning, answerMeaning } from './answer-meaning.ts';
export { EgressError, isRepeatableCall, RemoteCallError, type RemoteFailure } from './remote-call-error.ts';
export type { BodyFault, RemoteAnswer, RemoteCall, RemoteCaller, RemotePhase } from './remote-caller.ts';
