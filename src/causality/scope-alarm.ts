import type { Alarm, AlarmLink } from '../time/alarm-queue.ts';

/** What a scope waits for, and how often it has waited in vain. */
export class ScopeAlarm implements Alarm {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  /** How often the producers were asked. */
  rounds = 0;
  /** How often the handler threw for the event that is next. */
  failures = 0;
  readonly ring: () => void;

  constructor(ring: () => void) {
    this.ring = ring;
  }
}
