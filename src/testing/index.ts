export { type SeededRandom, seededRandom } from '../ports/random.ts';
export { type RecordingObserver, recordingObserver } from './recording-observer.ts';
export { type TestClock, testClock } from './test-clock.ts';
export { type JournalCheck, type JournalHarness, journalContract } from './journal-suite.ts';
export {
  type IdempotencyStoreCheck,
  idempotencyStoreContract,
  type IdempotencyStoreHarness,
} from './idempotency-store-suite.ts';
export { type FilesCheck, filesContract } from './files-suite.ts';
export { type MemoryFaults, type MemoryFiles, memoryFiles } from './memory-files.ts';
export {
  type CrashPoint,
  CrashPointError,
  type CrashReport,
  type CrashScenario,
  type EveryCrashOptions,
  forEveryCrashPoint,
} from './every-crash-point.ts';
export type { EffectAudit, EffectEntry, EffectOracle } from './effect-ledger.ts';
export type { RestartOptions, TestTempoOptions } from './lives.ts';
export type { CrashPlan } from './mortal-process.ts';
export {
  type Script,
  type ScriptedCall,
  type ScriptedContext,
  type ScriptedParticipant,
  type ScriptedParticipantOptions,
  scriptedParticipant,
} from './scripted-participant.ts';
export { type TestTempo, testTempo } from './test-tempo.ts';
export { type SagaFirstStoreCheck, type SagaFirstStoreHarness, sagaFirstStoreContract } from './saga-first-suite.ts';
export { type RemoteFault, type RemoteHandler, remoteParticipants } from './remote-participants.ts';
export type { RemoteParticipants, RemoteParticipantsOptions } from './remote-participants.ts';
export { type BrokerCheck, type BrokerHarness, brokerContract } from './broker-suite.ts';
export { type Ledger, type LedgerCheck, ledgerContract } from './ledger-suite.ts';
export { type ChoreographyWorld, choreographyWorld, type PartialEvent } from './choreography-world.ts';
