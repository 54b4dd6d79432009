/**
 * Faults between a participant's socket and its business. Fault model, each a real event on a real socket:
 *
 *   reset        connection reset (RST) before anything was read: nothing happened
 *   unavailable  503 with Retry-After and `Makegood-Effect: none`: nothing happened
 *   reply-lost   the effect is committed, then the connection is reset: it happened, the caller cannot know
 *   timed-out    the effect is committed, then silence until the caller gives up
 *   slow         the effect is committed, the answer takes its time
 *
 * The business does not know of them and the coordinator sees nothing but its socket.
 */
import type { ServerResponse } from 'node:http';
import { seededRandom } from '../../ports/random.ts';
import { type ParticipantCall, problem, type Reply } from './participant-call.ts';

/** A kind of fault. */
export type WireFault = 'reset' | 'unavailable' | 'reply-lost' | 'timed-out' | 'slow';

/** The kinds of faults, in the order in which they are shown. */
export const wireFaults: readonly WireFault[] = Object.freeze([
  'reset',
  'unavailable',
  'reply-lost',
  'timed-out',
  'slow',
]);

/** How many of each. */
export type FaultCounts = Readonly<Record<WireFault, number>>;

/** How often and from which seed faults are drawn. */
export interface FaultPlan {
  readonly seed: number;
  /** The chance that an attempt meets a fault, 0 to 1. */
  readonly failRate: number;
}

/** A fault that was drawn for an attempt. */
export interface DrawnFault {
  readonly kind: WireFault;
  /** For `slow`: how long the answer takes. */
  readonly delayMs: number;
}

// Time-outs cost the caller a whole second each, so they are rarer than the rest.
const weights: FaultCounts = Object.freeze({ reset: 3, unavailable: 2, 'reply-lost': 3, 'timed-out': 1, slow: 3 });
const slowestMs = 300;
const totalWeight = wireFaults.reduce((sum, kind) => sum + weights[kind], 0);

/**
 * Draws the fault that an attempt meets, if any. Pure: the same for the same seed, saga, step, phase and attempt, in
 * whatever order the requests arrive; the next attempt has a draw of its own.
 */
export function drawFault(plan: FaultPlan, call: Omit<ParticipantCall, 'epoch'>): DrawnFault | undefined {
  const random = seededRandom(plan.seed).split(`${call.saga}/${call.step}/${call.phase}/${call.attempt}`);
  if (random() >= plan.failRate) return undefined;
  let left = random() * totalWeight;
  const kind = wireFaults.find((candidate) => (left -= weights[candidate]) < 0) ?? 'slow';
  return { kind, delayMs: Math.ceil(random() * slowestMs) };
}

/** Answers one request through its fault. `business` is asked at most once, and not at all when nothing may happen. */
export async function answerThroughFault(
  response: ServerResponse,
  fault: DrawnFault | undefined,
  business: () => Promise<Reply>,
): Promise<void> {
  switch (fault?.kind) {
    case 'reset':
      return void response.socket?.resetAndDestroy();
    case 'unavailable': {
      const refusal = problem(503, 'unavailable', 'overloaded; nothing was done');
      return send(response, { ...refusal, headers: { 'Retry-After': '1', 'Makegood-Effect': 'none' } });
    }
    case 'reply-lost':
      await business();
      return void response.socket?.resetAndDestroy();
    case 'timed-out':
      // The answer is simply never sent: the caller closes the connection when its patience ends.
      return void (await business());
    case 'slow': {
      const reply = await business();
      return void setTimeout(() => send(response, reply), fault.delayMs);
    }
    case undefined:
      return send(response, await business());
  }
}

/** Sends a reply, unless the caller has left. */
export function send(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed) return;
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
