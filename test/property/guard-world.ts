import type { Clock } from '../../src/ports/index.ts';
import { testClock } from '../../src/testing/index.ts';

/** A clock for guards that set no timers: time is what it is set to, and moving it costs nothing. */
export interface SetClock extends Clock {
  nowMs: number;
}

export function setClock(): SetClock {
  const clock: SetClock = { ...testClock(), nowMs: 0, monotonicMs: () => clock.nowMs };
  return clock;
}
