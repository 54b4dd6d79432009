export type { SagaEvent } from './events.ts';
export {
  SagaCompensatedError,
  SagaConflictError,
  SagaInputError,
  SagaNeedsHumanError,
  TempoClosedError,
} from './saga-errors.ts';
export type { SagaHandle, SagaOutcome, WaitOptions } from './saga-handle.ts';
export { openTempo, type StartOptions, type Tempo, type TempoOptions, tempoDefaults } from './tempo.ts';
