export type { Attention, Decision } from './attention.ts';
export type { AttentionItem } from './attention-item.ts';
export type { SagaEvent } from './events.ts';
export { openTempo } from './open-tempo.ts';
export type { InjectedPolicy, Policies } from './policies.ts';
export type { PlannedSaga, PlanReader } from './registry.ts';
export {
  SagaBlockedError,
  SagaCancelledError,
  SagaCompensatedError,
  SagaConflictError,
  SagaInputError,
  SagaNeedsHumanError,
  SagaStrandedError,
  SagaTerminatedError,
  SagaUnreadableError,
  TempoClosedError,
} from './saga-errors.ts';
export type { SagaHandle, SagaOutcome, WaitOptions } from './saga-handle.ts';
export {
  type CancelOptions,
  type DeleteOptions,
  type RestartAsNewOptions,
  type SagaList,
  type SagaListFilter,
  type SagaListItem,
  type StartOptions,
  type Tempo,
  type TempoOptions,
  tempoDefaults,
  type TerminateOptions,
} from './tempo.ts';
