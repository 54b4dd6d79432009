/** What a simulated world must never do, by the names of the specification of reliability. */
export type InvariantName =
  | 'I1 completed means done once'
  | 'I2 compensated means undone'
  | 'I2b given up means somebody is told'
  | 'I3 acknowledged means kept'
  | 'I3b one start an id'
  | 'I4 recorded before it is sent'
  | 'I4b undone only after it was begun'
  | 'I4c nothing takes effect after its undoing'
  | 'I5 undone in order'
  | 'I6 no action after deadline or cancel'
  | 'I7 one writer at a time'
  | 'I7b no call without a lease'
  | 'I8 attempts within the policy'
  | 'I8b waits within the policy'
  | 'I9 guards hold'
  | 'I9b retries stay within their budget'
  | 'I9c limits hold'
  | 'I10 only legal records'
  | 'I11 the log is a prefix with all that was acknowledged'
  | 'I12 nothing is seen before it is durable'
  | 'I15 timers are never early'
  | 'I16 a saga keeps its version'
  | 'I18 nothing is left open'
  | 'I20 the control API is linearizable'
  | 'L1 every saga ends or waits for a person'
  | 'L2 a coordinator runs'
  | 'L3 no timer is late'
  | 'L4 the breaker of a healthy callee closes'
  | 'L5 a brown-out ends'
  | 'L7 what can run is run'
  | 'no error is left unhandled';

/** An invariant does not hold: the run ends here. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: InvariantName;
  readonly sagaId: string | undefined;

  constructor(invariant: InvariantName, message: string, sagaId?: string, options?: ErrorOptions) {
    super(message, options);
    this.invariant = invariant;
    this.sagaId = sagaId;
  }
}
