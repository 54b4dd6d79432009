import type { Measure } from './instruments.ts';
import type { GuardTold } from './telemetry-event.ts';

/** Measures what guards do. */
export function measureGuard(event: GuardTold, record: Measure): void {
  const guard = { 'makegood.guard.name': event.name };
  switch (event.type) {
    case 'guard.refused':
      record('makegood.guard.refusals', 1, { ...guard, 'error.type': event.error.code });
      return;
    case 'guard.queued':
      record('makegood.guard.waits', 1, guard);
      return;
    case 'guard.fault':
      record('makegood.guard.faults', 1, guard);
      return;
    case 'counter.tripped':
      record('makegood.guard.trips', 1, guard);
      return;
    case 'timeout.expired':
      record('makegood.timeouts', 1, guard);
      return;
    // Noted on the span of the call; there is no metric of them.
    case 'hedge.sent':
    case 'hedge.refused':
    case 'hedge.won':
    case 'fallback.used':
    case 'fallback.failed':
      return;
    case 'breaker.opened':
      record('makegood.breaker.transitions', 1, { ...guard, 'makegood.breaker.state': 'open' });
      // One that opens again after a failed probe, or is isolated while it is open, was not closed in between.
      if (event.from === 'closed') record('makegood.breakers.open', 1, guard);
      return;
    case 'breaker.half-opened':
      record('makegood.breaker.transitions', 1, { ...guard, 'makegood.breaker.state': 'half-open' });
      return;
    case 'breaker.closed':
      record('makegood.breaker.transitions', 1, { ...guard, 'makegood.breaker.state': 'closed' });
      if (event.from !== 'closed') record('makegood.breakers.open', -1, guard);
      return;
  }
}
