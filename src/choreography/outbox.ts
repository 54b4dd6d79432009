import type { BrokerMessage } from './broker.ts';
import type { CloudEvent } from './cloud-event.ts';

/** An event that is to be published when its transaction has committed. */
export interface OutboxDraft {
  readonly topic: string;
  /** Without a `sequence` it gets the next one of its source in its saga. */
  readonly event: Omit<CloudEvent, 'sequence'> & { readonly sequence?: number };
  readonly headers?: Readonly<Record<string, string>>;
  /** Not to be published before so many ms have passed since the commit. Default 0. */
  readonly delayMs?: number;
}

/** What a pass of the relay has done. */
export interface RelayPass {
  /** How many messages were published. */
  readonly sent: number;
  /** In how many ms the next one is due; `undefined` when none waits. */
  readonly nextDueMs?: number | undefined;
}

/**
 * Events that are published after their transaction, and because of it: state and events are never two separate writes.
 *
 * An implementer keeps: what `add` was given commits and vanishes with the transaction; numbers of a source in a saga are
 * dense and follow the order of commits; a pass gives committed messages in that order, skips none, however late a
 * transaction commits, and lets go of them only after `publish` has resolved; of several relays one works at a time.
 */
export interface Outbox<Transaction> {
  add(transaction: Transaction, drafts: readonly OutboxDraft[]): Promise<void>;
  /**
   * Hands what is due to `publish`, at most `limit` messages.
   *
   * @returns `sent: 0` when nothing is due, or another relay works.
   */
  relay(publish: (messages: readonly BrokerMessage[]) => Promise<void>, limit: number): Promise<RelayPass>;
}
