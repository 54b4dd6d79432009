export type { CallState } from './call-state.ts';
export type { ActionContext, CompensationContext, SagaDefinition, StepDefinition } from './definition.ts';
export type { Failure } from './failure.ts';
export type { JsonValue } from './json-value.ts';
export { IllegalRecordError } from './legal-records.ts';
export type {
  CallKind,
  CompensationReason,
  HumanVerb,
  ParentLink,
  SagaRecord,
  SagaRecordData,
  SagaRecordHeader,
  SagaRecordOf,
  SagaRecordType,
  StepPhase,
} from './record.ts';
export {
  type Branch,
  type CompensatableStep,
  compensationRetryDefaults,
  type ForwardStep,
  type ReadOnlyStep,
  type Saga,
  type SagaBuilder,
  type SagaOptions,
  type SagaPhase,
  type SagaStart,
  type StepOptions,
  type StepPolicies,
  saga,
} from './saga.ts';
export { foldRecords, type SagaState } from './state.ts';
export type { StepFacts, StepState } from './step-state.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts';
export type { SagaStatus, StepStatus } from './status.ts';
export { TerminalError } from './terminal-error.ts';
export type { CallView, SagaView, StepView } from './view.ts';
