export { barrier, type BarrierOptions, type BarrierStore, type EffectStatus } from './barrier.ts';
export type { BarrierCall, BarrierPhase, BarrierReply, BarrierRow } from './decide-barrier.ts';
export { type Barrier, memoryBarrier } from './memory-barrier.ts';
export {
  participant,
  type ParticipantAction,
  type ParticipantCall,
  type ParticipantOptions,
} from './participant.ts';
export type { CallHeaders } from './participant-request.ts';
