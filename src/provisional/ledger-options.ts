import { type HybridClock, openHybridClock } from '../causality/hybrid-clock.ts';
import type { Clock } from '../ports/clock.ts';
import { type EntryLog, memoryEntryLog } from '../ports/entry-log.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type RetryOptions, resolveRetryRules, type RetryRules } from '../retry/decide-retry.ts';
import { compensationRetryDefaults } from '../saga/resolve-step.ts';
import type { LedgerEntry, LedgerItem } from './ledger-book.ts';
import type { DecisionRules } from './provisional-decision.ts';
import type { ProvisionalEvent } from './provisional-events.ts';

/** What a compensation is given beside the decision. */
export interface CompensationCall {
  /** Equal on every attempt: `id/compensation`. */
  readonly idempotencyKey: string;
  /** From 1; counts on across crashes. */
  readonly attempt: number;
  /** Aborts when the ledger is closed. */
  readonly signal: AbortSignal;
}

/** Options of {@link openProvisionalLedger}. */
export interface ProvisionalLedgerOptions<Body, State> {
  /** The node's name. */
  readonly node: string;
  readonly rules: DecisionRules<Body, State>;
  /** Makes an overruled decision good. */
  readonly compensate: (item: LedgerItem<Body>, call: CompensationCall) => unknown;
  /** How compensations are retried before a person is asked. Default {@link compensationRetryDefaults}. */
  readonly retry?: RetryOptions;
  /** How many compensations run at a time. Default 16. */
  readonly concurrency?: number;
  /** Decisions that may wait for a verdict. Default 10,000. */
  readonly maxUndecided?: number;
  /** Decisions that are remembered when they need nothing any more. Default 10,000. */
  readonly keepFinished?: number;
  /** Where decisions are kept. Default: memory. */
  readonly log?: EntryLog<LedgerEntry<Body, State>>;
  /** What dates them; closed with the ledger. Default: one of its own in memory, which a restart may turn back. */
  readonly hybridClock?: HybridClock;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Where jitter comes from. Default `Math.random`. */
  readonly random?: Random;
  /** Is told of conflicts and compensations. Default nobody. */
  readonly observer?: Observer<ProvisionalEvent> | undefined;
}

/** Defaults of {@link openProvisionalLedger}. */
export const provisionalLedgerDefaults: Readonly<{ concurrency: number; maxUndecided: number; keepFinished: number }> =
  Object.freeze({ concurrency: 16, maxUndecided: 10_000, keepFinished: 10_000 });

/** {@link ProvisionalLedgerOptions} checked and complete. */
export interface LedgerSettings<Body, State>
  extends Required<Omit<ProvisionalLedgerOptions<Body, State>, 'retry' | 'observer'>> {
  readonly retry: RetryRules;
  readonly observer: Observer<ProvisionalEvent> | undefined;
}

function countOf(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${String(value)}`);
}

export async function resolveLedgerOptions<Body, State>(
  options: ProvisionalLedgerOptions<Body, State>,
): Promise<LedgerSettings<Body, State>> {
  const { node, rules, compensate, clock = systemClock, random = systemRandom, observer } = options;
  if (typeof node !== 'string' || node === '') throw new TypeError('Expected node to be text');
  if (typeof rules?.apply !== 'function' || typeof rules.initial !== 'function')
    throw new TypeError('Expected rules to have the functions initial and apply');
  if (typeof compensate !== 'function') throw new TypeError('Expected compensate to be a function');
  const given = { ...provisionalLedgerDefaults, ...options };
  return {
    node,
    rules,
    compensate,
    retry: resolveRetryRules({ ...compensationRetryDefaults, ...options.retry }),
    concurrency: countOf(given.concurrency, 'concurrency'),
    maxUndecided: countOf(given.maxUndecided, 'maxUndecided'),
    keepFinished: countOf(given.keepFinished, 'keepFinished'),
    log: options.log ?? memoryEntryLog(),
    hybridClock: options.hybridClock ?? (await openHybridClock({ clock })),
    clock,
    random,
    observer,
  };
}
