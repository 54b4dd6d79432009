export { type SeededRandom, seededRandom } from '../ports/random.ts';
export { type RecordingObserver, recordingObserver } from './recording-observer.ts';
export { type TestClock, testClock } from './test-clock.ts';
export { type JournalCheck, type JournalHarness, journalContract } from './journal-suite.ts';
export { type FilesCheck, filesContract } from './files-suite.ts';
export { type MemoryFaults, type MemoryFiles, memoryFiles } from './memory-files.ts';
