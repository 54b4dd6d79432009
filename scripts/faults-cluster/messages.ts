/** What the nodes are told and tell; each line of it is small, and none of it is needed for the sagas to go on. */
export type ToNode =
  | { readonly type: 'start'; readonly id: string; readonly kind: OrderKind }
  | { readonly type: 'close' };

export type FromNode =
  | { readonly type: 'ready' }
  /** The start is durable. */
  | { readonly type: 'accepted'; readonly id: string }
  | { readonly type: 'refused'; readonly id: string; readonly code: string }
  /** A participant refused a call of an epoch that was over. */
  | { readonly type: 'stale-call' };

/** How an order is to end: as it should, or undone because its last step is refused. */
export type OrderKind = 'good' | 'refused';

/** The steps of an order, in their order. */
export const steps = ['reserve', 'charge', 'ship'] as const;
