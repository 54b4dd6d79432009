import { MakegoodError } from '../errors.ts';

/** Thrown by every use of a causal delivery after `close`, and the reason of its handler's signal then. */
export class CausalDeliveryClosedError extends MakegoodError {
  constructor() {
    super('MAKEGOOD_CAUSAL_DELIVERY_CLOSED', 'the causal delivery is closed; open it anew to use it');
  }
}
