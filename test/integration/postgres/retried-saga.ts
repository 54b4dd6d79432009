import { saga, TerminalError } from '../../../src/saga/index.ts';
import type { Ledger } from './cluster-world.ts';

/** A saga whose undoing needs a person, however often that one says to try again. */
export function retriedSaga(ledger: Ledger) {
  return saga('retried')
    .input<null>()
    .step('pay', {
      run: () => 'paid',
      compensate({ sagaId }) {
        ledger.note(`${sagaId} refund`);
        throw new TerminalError('no refund');
      },
    })
    .step('ship', { run: () => Promise.reject(new TerminalError('no stock')), compensate: () => undefined })
    .output();
}
