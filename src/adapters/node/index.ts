export type { ResolveName } from './checked-lookup.ts';
export { type NodeCaller, nodeCaller, nodeCallerDefaults, type NodeCallerOptions } from './node-remote-caller.ts';
export { type PolicyFile, PolicyFileError, watchPolicies, type WatchPoliciesOptions } from './policy-file.ts';
export { webhookSignature } from './webhook-signature.ts';
export { type TokenFile, tokenFile, TokenFileError, type TokenFileOptions, tokenLine } from './token-file.ts';
