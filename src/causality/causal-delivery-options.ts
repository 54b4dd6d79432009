import type { Clock } from '../ports/clock.ts';
import { type EntryLog, memoryEntryLog } from '../ports/entry-log.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { CausalEntry, CausalScopeView } from './causal-book.ts';
import type { CausalEvent } from './causal-event.ts';
import type { CausalGap } from './causal-scope.ts';
import type { CausalDeliveryEvent } from './causality-events.ts';

/** What a producer is asked to send again. */
export interface ResendRequest extends CausalGap {
  readonly scope: string;
}

/** Options of {@link openCausalDelivery}. */
export interface CausalDeliveryOptions {
  /** Is given the events in order. Called again for one event when it throws, and after a crash. */
  readonly deliver: (event: CausalEvent, context: { readonly signal: AbortSignal }) => unknown;
  /** Asks a producer's outbox to send events again. Default: nobody is asked, the scope is parked. */
  readonly resend?: (request: ResendRequest, context: { readonly signal: AbortSignal }) => unknown;
  /** Is told of a scope that waits for a person, again after each restart. Default nobody. */
  readonly onPark?: (parked: CausalScopeView) => void;
  /** Where events are kept. Default: memory, for producers that send everything again when this process dies. */
  readonly log?: EntryLog<CausalEntry>;
  /** Early events that may be kept in a scope; more are refused. Default 1,000. */
  readonly maxEvents?: number;
  /** Bytes of early events, as JSON, that may be kept in a scope. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Bytes of early events that may be kept in all. Default 256 MiB. */
  readonly maxTotalBytes?: number;
  /** How long to wait for what is missing before asking again. Default `'30s'`. */
  readonly gapTimeout?: Duration;
  /** How often producers are asked before the scope is parked. Default 3. */
  readonly resendRounds?: number;
  /** How long to wait before the handler is called again for a kept event that it threw for. Default `'1s'`. */
  readonly redeliverAfter?: Duration;
  /** How often the handler may throw for a kept event before the scope is parked. Default 5. */
  readonly maxDeliveries?: number;
  /** How long a scope that is over is remembered. Default `'1d'`. */
  readonly retention?: Duration;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Is told what is held, refused and parked. Default nobody. */
  readonly observer?: Observer<CausalDeliveryEvent> | undefined;
}

/** Defaults of {@link openCausalDelivery}. */
export const causalDeliveryDefaults: Readonly<{
  maxEvents: number;
  maxBytes: number;
  maxTotalBytes: number;
  gapTimeout: Duration;
  resendRounds: number;
  redeliverAfter: Duration;
  maxDeliveries: number;
  retention: Duration;
}> = Object.freeze({
  maxEvents: 1000,
  maxBytes: 1024 * 1024,
  maxTotalBytes: 256 * 1024 * 1024,
  gapTimeout: '30s',
  resendRounds: 3,
  redeliverAfter: '1s',
  maxDeliveries: 5,
  retention: '1d',
});

/** {@link CausalDeliveryOptions} checked and complete. */
export interface CausalSettings {
  readonly deliver: CausalDeliveryOptions['deliver'];
  readonly resend: CausalDeliveryOptions['resend'];
  readonly onPark: CausalDeliveryOptions['onPark'];
  readonly log: EntryLog<CausalEntry>;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxTotalBytes: number;
  readonly gapMs: number;
  readonly resendRounds: number;
  readonly redeliverMs: number;
  readonly maxDeliveries: number;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly observer: Observer<CausalDeliveryEvent> | undefined;
}

function countOf(value: number, name: string, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ ${least}, got ${String(value)}`);
}

export function resolveCausalOptions(options: CausalDeliveryOptions): CausalSettings {
  if (typeof options?.deliver !== 'function') throw new TypeError('Expected deliver to be a function');
  const given = { ...causalDeliveryDefaults, ...options };
  return {
    deliver: options.deliver,
    resend: options.resend,
    onPark: options.onPark,
    log: options.log ?? memoryEntryLog(),
    maxEvents: countOf(given.maxEvents, 'maxEvents', 1),
    maxBytes: countOf(given.maxBytes, 'maxBytes', 1),
    maxTotalBytes: countOf(given.maxTotalBytes, 'maxTotalBytes', 1),
    gapMs: toMs(given.gapTimeout, 'gapTimeout'),
    resendRounds: countOf(given.resendRounds, 'resendRounds', 0),
    redeliverMs: toMs(given.redeliverAfter, 'redeliverAfter'),
    maxDeliveries: countOf(given.maxDeliveries, 'maxDeliveries', 1),
    retentionMs: toMs(given.retention, 'retention'),
    clock: options.clock ?? systemClock,
    observer: options.observer,
  };
}
