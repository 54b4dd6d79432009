export { type Deadline, deadlineOf, remainingMs, withDeadline } from './deadline.ts';
export { DeadlineExceededError } from './deadline-exceeded-error.ts';
export type { DisposableSignal } from './derived-signal.ts';
export { type Duration, toMs } from './duration.ts';
export { joinSignals } from './join-signals.ts';
export { sleep, type SleepOptions } from './sleep.ts';
