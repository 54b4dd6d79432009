export type { CallState } from './call-state.ts';
export {
  DeletionRefusedError,
  MigrationRefusedError,
  NotWaitingError,
  PastPivotError,
  RenewalRefusedError,
} from './control-errors.ts';
export { RestartRefusedError, SagaEndedError, SagaNotFoundError, SignalRefusedError } from './control-errors.ts';
export type { ActionContext, CompensationContext, ProbeAnswer, Saga, StepFactsContext } from './definition.ts';
export type { CallStep, ChildStep, EachStep, SleepStep, WaitStep } from './definition.ts';
export type { SagaDefinition, StepDefinition, StepPlace } from './definition.ts';
export type { Failure } from './failure.ts';
export type { JsonValue } from './json-value.ts';
export { IllegalRecordError } from './legal-records.ts';
export type { CallKind, CompensationReason, HumanVerb, ParentLink, RunLink, StepPhase } from './record.ts';
export type { SagaRecord, SagaRecordData, SagaRecordHeader, SagaRecordOf, SagaRecordType } from './record.ts';
export { compensationRetryDefaults } from './resolve-step.ts';
export { saga, type SagaOptions, type SagaStart } from './saga.ts';
export type { Branch, SagaBuilder } from './saga-builder.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts';
export { foldRecords, type SagaState } from './state.ts';
export type { SagaStatus, StepStatus } from './status.ts';
export type { ChildOfItem, CompensatableStep, Condition, FanOut, ForwardStep, ReadOnlyStep } from './step-options.ts';
export type { RunOptions, SagaPhase, SignalOptions, StepOptions, StepPolicies, UndoOptions } from './step-options.ts';
export type { StepFacts, StepState } from './step-state.ts';
export { TerminalError } from './terminal-error.ts';
export type { CallView, SagaView, StepView } from './view.ts';
