export type { Clock, TimerHandle } from './clock.ts';
export { type EntryLog, type EntryOwner, type LogEntry, memoryEntryLog } from './entry-log.ts';
export type { FileLock, Files, OpenFile, OpenMode } from './files.ts';
export { FileLockedError } from './file-locked-error.ts';
export { type Fetch, systemFetch } from './http.ts';
export type { ObservedEvent, Observer } from './observer.ts';
export { cryptoRandom, type Random, type SeededRandom, seededRandom, systemRandom, uniqueId } from './random.ts';
export { systemClock } from './system-clock.ts';
