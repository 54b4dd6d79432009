import type { CloudEvent } from './cloud-event.ts';
import type { DeliveryRow, LaneRow } from './inbox.ts';

/** What an admission depends on beside the event and the inbox. */
export interface AdmissionRules {
  /** How often a delivery may begin before the event is poison. */
  readonly maxDeliveries: number;
  /** How often the process may die with it in hand. */
  readonly maxCrashes: number;
  /** How long a chain of events may be. */
  readonly maxHops: number;
  /** How much clocks may differ where one decides what another has stamped. */
  readonly skewAllowanceMs: number;
  /** Whether this consumer understands the version of the data's form. */
  readonly isSupported: boolean;
  /** Whether the event comes out of the inbox, where it had waited for its turn. */
  readonly isItsTurn: boolean;
}

/** Why an event is given up without a run. */
export type DeadReason = 'expired' | 'hop-limit' | 'crashes' | 'deliveries';

/** What is to be done with an event that has arrived. */
export type Admission =
  /** Nothing: it was dealt with, or waits in the inbox already. */
  | { readonly admit: 'pass' }
  | { readonly admit: 'run'; readonly row: DeliveryRow }
  /** It may be just beginning elsewhere: ask again after so long. */
  | { readonly admit: 'busy'; readonly afterMs: number }
  /** It waits in the inbox; with `blocks` later ones of its saga wait behind it. */
  | { readonly admit: 'park'; readonly reason: 'behind' | 'unsupported-version'; readonly blocks: boolean }
  | { readonly admit: 'dead'; readonly reason: DeadReason; readonly blocks: boolean };

// A handler holds its lane, so whoever has the lane and finds a delivery begun knows that it died, unless it is only now
// on its way from its count to its lane.
const beginningMs = 2000;

const pass: Admission = Object.freeze({ admit: 'pass' });

/** The event that an event stands for: itself, or the one that it delivers again. */
export function rootOf(event: Pick<CloudEvent, 'id' | 'source' | 'retryof' | 'retrysource'>): string {
  return JSON.stringify([event.retrysource ?? event.source, event.retryof ?? event.id]);
}

/**
 * Decides about an event before its handler runs; the shell writes the answer down first.
 *
 * @param row what the inbox knows of this delivery; `undefined` when it has never seen it.
 * @param now by the inbox's clock, ms since 1970.
 * @param ordinal of a row that is made now.
 * @internal
 */
export function decideAdmission(
  event: CloudEvent,
  row: DeliveryRow | undefined,
  lane: LaneRow,
  rules: AdmissionRules,
  now: number,
  ordinal: number,
): Admission {
  if (row?.state === 'done' || row?.state === 'dead') return pass;
  // What waits in the inbox is taken from there, in its turn; its double from the broker adds nothing.
  if (row?.event !== undefined && !rules.isItsTurn) return pass;
  if (isExpired(event, now, rules.skewAllowanceMs)) return { admit: 'dead', reason: 'expired', blocks: false };
  if ((event.hops ?? 0) > rules.maxHops) return { admit: 'dead', reason: 'hop-limit', blocks: false };
  const before = row ?? { state: 'open' as const, deliveries: 0, crashes: 0, ordinal, since: now };
  const wasRunning = before.state === 'running';
  if (wasRunning && now - before.since < beginningMs) return { admit: 'busy', afterMs: beginningMs };
  const crashes = before.crashes + (wasRunning ? 1 : 0);
  if (crashes >= rules.maxCrashes) return { admit: 'dead', reason: 'crashes', blocks: true };
  if (before.deliveries >= rules.maxDeliveries) return { admit: 'dead', reason: 'deliveries', blocks: true };
  const waitsForOther = lane.blockedBy !== undefined && lane.blockedBy !== rootOf(event);
  const isOvertaking = lane.parked > 0 && lane.blockedBy === undefined && !rules.isItsTurn && row === undefined;
  if (waitsForOther || isOvertaking) return { admit: 'park', reason: 'behind', blocks: false };
  if (!rules.isSupported) return { admit: 'park', reason: 'unsupported-version', blocks: true };
  return { admit: 'run', row: { ...before, state: 'running', deliveries: before.deliveries + 1, crashes, since: now } };
}

function isExpired({ expirytime }: CloudEvent, now: number, skewAllowanceMs: number): boolean {
  return expirytime !== undefined && now > Date.parse(expirytime) + skewAllowanceMs;
}
