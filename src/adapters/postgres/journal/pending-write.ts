import type { Position } from '../../../journal/journal.ts';
import type { SagaStatus } from '../../../saga/status.ts';
import type { WalEntry } from '../../../wal/wal-record.ts';

/** A shard that a node owns, for as long as it does. */
export interface Hold {
  readonly shard: number;
  readonly epoch: number;
  /** Why it is not owned any more. */
  lost: { readonly error: unknown } | undefined;
}

/** What an append makes of its saga. */
export interface WriteFacts {
  readonly shard: number;
  readonly sagaId: string;
  readonly expectedSeq: number;
  /** Of the last record. */
  readonly seq: number;
  readonly status: SagaStatus;
  readonly finished: boolean;
  readonly name: string;
  readonly version: string;
  readonly bornAt: number;
  readonly updatedAt: number;
  readonly entries: readonly WalEntry[];
  /** Whether the id may be taken from a saga that was purged. */
  readonly allowReuse: boolean;
  /** The numbers of the commands of others that it carries out. */
  readonly asked: readonly string[];
}

/** An append on its way to the server. */
export class PendingWrite {
  readonly facts: WriteFacts;
  /** The ownership it is written under; absent for the first record of a saga whose shard another node owns. */
  readonly hold: Hold | undefined;
  /** Chosen by chance, so that after a lost answer the row tells whether it was this append that moved it. */
  readonly tag: string;
  /** Until then (monotonic) it is sent again when its answer was lost; one that is held, for as long as it is. */
  readonly giveUpAtMs: number;
  /** Present when an answer to it was lost, so that it may have taken effect. */
  lostAnswer: { readonly error: unknown } | undefined;
  readonly durable: Promise<Position>;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;

  constructor(facts: WriteFacts, hold: Hold | undefined, tag: string, giveUpAtMs: number = Infinity) {
    this.facts = facts;
    this.hold = hold;
    this.tag = tag;
    this.giveUpAtMs = giveUpAtMs;
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    this.durable = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  get epoch(): number {
    return this.hold?.epoch ?? 0;
  }
}
