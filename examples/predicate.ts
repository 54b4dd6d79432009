// Predicates: telling one failure from another, and sending each where it belongs.

// #region combine
import { byCode, byStatus, isTransient } from 'makegood/predicate';

const worthRetrying = isTransient.or(byStatus(408, 425)).and(byCode('ENOTFOUND').not());
console.log(worthRetrying({ status: 503 })); // prints: true
console.log(worthRetrying({ status: 408 })); // prints: true
console.log(worthRetrying(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }))); // prints: false
// #endregion

// #region own
import { predicate } from 'makegood/predicate';

class StockError extends Error {
  readonly left: number;
  constructor(left: number) {
    super(`only ${left} left`);
    this.left = left;
  }
}
const isSoldOut = predicate((error) => error instanceof StockError && error.left === 0);
console.log(isSoldOut(new StockError(0)), isSoldOut(new StockError(3))); // prints: true false
// #endregion

// #region causes
import { causedBy } from 'makegood/predicate';

const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const wrapped = new Error('could not load the order', { cause: new AggregateError([reset]) });
console.log(byCode('ECONNRESET')(wrapped)); // prints: false
console.log(causedBy(byCode('ECONNRESET'))(wrapped)); // prints: true
console.log(isTransient(wrapped)); // prints: true
// #endregion

// #region outermost
console.log(isTransient(new Error('could not load', { cause: { status: 503 } }))); // prints: true
console.log(isTransient({ status: 404, cause: { code: 'ETIMEDOUT' } })); // prints: false
// #endregion

// #region databases
import { byGrpcStatus, bySqlState } from 'makegood/predicate';

const isConflict = byGrpcStatus('ABORTED', 'ALREADY_EXISTS').or(bySqlState('23505', '40*'));
console.log(isConflict({ code: '40001' }), isConflict({ code: 10, details: 'try again' })); // prints: true true
// #endregion

// #region classifier
import { classifier } from 'makegood/predicate';

const classify = classifier(
  [
    ['transient', isTransient],
    ['business', byStatus(402, 409, 422)],
  ],
  { otherwise: 'fatal', onPredicateError: (thrown, rule) => console.error(`rule ${rule} is broken:`, thrown) },
);
console.log(classify({ status: 503 }), classify({ status: 409 }), classify(new Error('odd')));
// prints: transient business fatal

const answer = classify.route({
  transient: () => ({ retry: true }),
  business: (error) => ({ retry: false, status: (error as { status: number }).status }),
  fatal: () => ({ retry: false, alert: 'on-call' }), // leave one out, and it does not compile
});
console.log(answer({ status: 409 })); // prints: { retry: false, status: 409 }
// #endregion
