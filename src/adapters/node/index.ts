export { type PolicyFile, PolicyFileError, watchPolicies, type WatchPoliciesOptions } from './policy-file.ts';
