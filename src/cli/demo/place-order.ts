import { exponential } from '../../backoff/exponential.ts';
import { saga } from '../../saga/saga.ts';
import type { Saga } from '../../saga/definition.ts';
import type { StepPolicies } from '../../saga/step-options.ts';
import type { CallParticipant } from './call-participant.ts';
import type { Order } from './order.ts';

/** What a completed order gives. */
export interface PlacedOrder {
  readonly trackingId: string;
}

const backoff = exponential({ initialDelay: '50ms', maxDelay: '1s', jitter: 'full' });

// More attempts than a service would want: every fault here is meant to be survived, and a demo in which orders fail by
// bad luck would show the wrong thing. The participants have barriers, so a late call needs no waiting for.
const policies: StepPolicies = {
  timeout: '1s',
  maxFlight: 0,
  retry: { maxAttempts: 20, backoff },
  compensationRetry: { maxAttempts: 100, backoff },
};

/**
 * The saga of the demo: reserve → charge → ship. Payment declines cancelled invoices, shipping (the pivot) refuses what
 * no carrier takes; then the payment is refunded and the reservation released, in this order.
 */
export function placeOrderSaga(call: CallParticipant): Saga<Order, PlacedOrder> {
  // #region saga
  return saga('place-order', { version: '1' })
    .input<Order>()
    .step('reserve', {
      ...policies,
      run: (context) => call<{ readonly reservation: string }>('inventory', 'action', context),
      compensate: (context) => call('inventory', 'compensation', context),
    })
    .step('charge', {
      ...policies,
      run: (context) => call<{ readonly payment: string }>('payment', 'action', context),
      compensate: (context) => call('payment', 'compensation', context),
    })
    .pivot('ship', {
      timeout: '1s',
      maxFlight: 0,
      retry: { maxAttempts: 100, backoff },
      run: (context) => call<PlacedOrder>('shipping', 'action', context),
    })
    .output(({ results }) => ({ trackingId: results.ship.trackingId }));
  // #endregion
}
