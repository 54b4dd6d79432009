import type { CausalGap } from './causal-scope.ts';

/** What {@link openCausalDelivery} tells its observer. */
export type CausalDeliveryEvent =
  /** An event came before what it builds on, and is kept. */
  | { readonly type: 'causality.held'; readonly scope: string; readonly id: string; readonly held: number }
  /** There is no room to keep an early event; it is left to whoever delivers it again. */
  | { readonly type: 'causality.refused'; readonly scope: string; readonly id: string; readonly held: number }
  /** A producer is asked to send events again. */
  | ({ readonly type: 'causality.resend-asked'; readonly scope: string; readonly round: number } & CausalGap)
  /** Asking failed; it is done again after the next `gapTimeout`. */
  | { readonly type: 'causality.resend-failed'; readonly scope: string; readonly error: unknown }
  /** The handler threw for an event that is held; it is called again. */
  | {
      readonly type: 'causality.delivery-failed';
      readonly scope: string;
      readonly id: string;
      readonly failures: number;
      readonly error: unknown;
    }
  /** A scope goes no further by itself. */
  | { readonly type: 'causality.parked'; readonly scope: string; readonly reason: string };
