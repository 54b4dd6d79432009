import type { EntryOwner } from '../ports/entry-log.ts';
import type { CausalEvent } from './causal-event.ts';
import { type CausalGap, CausalScope } from './causal-scope.ts';
import type { VectorClock } from './vector-clock.ts';

/** Why a scope goes no further by itself: something is missing that nobody sends, or an event that its handler refuses. */
export type ParkReason = 'causal-gap' | 'delivery-failed';

/** What is kept of causal deliveries. */
export type CausalEntry =
  | { readonly type: 'held'; readonly key: string; readonly event: CausalEvent; readonly bytes: number }
  | { readonly type: 'delivered'; readonly key: string; readonly producer: string; readonly count: number }
  | { readonly type: 'parked'; readonly key: string; readonly reason: ParkReason }
  | { readonly type: 'resumed'; readonly key: string }
  | { readonly type: 'retired'; readonly key: string; readonly at: number };

/** A scope as a person sees it. */
export interface CausalScopeView {
  readonly scope: string;
  /** How many events of each producer were delivered. */
  readonly vector: VectorClock;
  /** How many events came too early and are kept. */
  readonly held: number;
  /** What they wait for. */
  readonly gaps: readonly CausalGap[];
  readonly parked: ParkReason | undefined;
}

/** One scope and whether it waits for a person. */
export interface BookedScope {
  readonly scope: CausalScope;
  parked: ParkReason | undefined;
}

/** All scopes of a consumer: the fold of its entries. */
export class CausalBook implements EntryOwner<CausalEntry> {
  readonly scopes: Map<string, BookedScope> = new Map();
  /** Bytes of held events, of all scopes. */
  heldBytes = 0;
  /** When scopes were retired, the longest ago first. */
  private readonly retired = new Map<string, number>();
  private readonly retentionMs: number;

  constructor(retentionMs: number) {
    this.retentionMs = retentionMs;
  }

  /** The scope's deliveries, begun if there are none. */
  of(key: string): BookedScope {
    let booked = this.scopes.get(key);
    if (booked === undefined) {
      booked = { scope: new CausalScope(), parked: undefined };
      this.scopes.set(key, booked);
    }
    return booked;
  }

  view(key: string): CausalScopeView {
    const booked = this.scopes.get(key);
    if (booked === undefined) return { scope: key, vector: {}, held: 0, gaps: [], parked: undefined };
    const { scope, parked } = booked;
    return { scope: key, vector: scope.vector, held: scope.heldCount, gaps: scope.gaps(), parked };
  }

  isRetired(key: string): boolean {
    return this.retired.has(key);
  }

  apply(entry: CausalEntry): void {
    if (entry.type === 'retired') {
      this.retire(entry.key, entry.at);
      return;
    }
    const booked = this.of(entry.key);
    const before = booked.scope.heldBytes;
    if (entry.type === 'held') booked.scope.hold(entry.event, entry.bytes);
    else if (entry.type === 'delivered') booked.scope.note(entry.producer, entry.count);
    else booked.parked = entry.type === 'parked' ? entry.reason : undefined;
    this.heldBytes += booked.scope.heldBytes - before;
  }

  *live(): Generator<CausalEntry> {
    for (const [key, at] of this.retired) yield { type: 'retired', key, at };
    for (const [key, { scope, parked }] of this.scopes) {
      for (const [producer, count] of Object.entries(scope.vector)) yield { type: 'delivered', key, producer, count };
      for (const { event, bytes } of scope.heldEvents()) yield { type: 'held', key, event, bytes };
      if (parked !== undefined) yield { type: 'parked', key, reason: parked };
    }
  }

  private retire(key: string, at: number): void {
    this.heldBytes -= this.scopes.get(key)?.scope.heldBytes ?? 0;
    this.scopes.delete(key);
    this.retired.set(key, at);
    for (const [old, since] of this.retired) {
      if (since + this.retentionMs > at) return;
      this.retired.delete(old);
    }
  }
}
