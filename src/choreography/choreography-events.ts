/** What a choreography tells an observer. */
export type ChoreographyEvent =
  /** A consumer had ended, or heard nothing of its broker for too long, and is built anew. */
  | {
      readonly type: 'choreography.consumer-restarted';
      readonly topic: string;
      readonly group: string;
      readonly error: unknown;
    }
  /** A message could not be judged, or not be buried; it comes back. */
  | {
      readonly type: 'choreography.delivery-failed';
      readonly topic: string;
      readonly group: string;
      readonly id: string;
      readonly error: unknown;
    }
  /** A reaction is over: what came of event `id`. */
  | {
      readonly type: 'choreography.reacted';
      readonly consumer: string;
      readonly sagaId: string;
      readonly event: string;
      readonly id: string;
      readonly outcome: 'applied' | 'compensated' | 'barred' | 'duplicate' | 'expired' | 'superseded';
    }
  /** A reaction has failed and is made again after `delayMs`. */
  | {
      readonly type: 'choreography.retry-scheduled';
      readonly consumer: string;
      readonly sagaId: string;
      readonly event: string;
      readonly id: string;
      readonly attempts: number;
      readonly delayMs: number;
      readonly error: unknown;
    }
  /** An event was given up; it waits among the dead letters. */
  | {
      readonly type: 'choreography.dead-lettered';
      readonly consumer: string;
      readonly sagaId: string;
      readonly event: string;
      readonly id: string;
      readonly reason: string;
      readonly error: unknown;
    }
  /** The outbox, or its broker, has failed; what is in it goes out later. */
  | { readonly type: 'choreography.relay-failed'; readonly error: unknown };
