import { fact } from './error-facts.ts';
import { type ErrorTest, type Predicate, predicate } from './predicate.ts';

/** Options of {@link causedBy}. */
export interface CausedByOptions {
  /** How many errors are looked at before the search ends without a find. Default 1000. */
  readonly maxErrors?: number;
}

/** Defaults of {@link causedBy}. */
export const causedByDefaults: Readonly<Required<CausedByOptions>> = Object.freeze({ maxErrors: 1000 });

/**
 * Holds when the test holds for the error itself, for its `cause`, for one of the `errors` of an aggregate, or for theirs
 * in turn. Nearer ones are asked first; circles end, and so do chains without end.
 *
 * @param test asked with each error found.
 * @param options.maxErrors how many errors are looked at. Default 1000.
 * @throws {TypeError} when `test` is no function.
 * @throws {RangeError} when `maxErrors` is not an integer ≥ 1.
 * @example
 * causedBy(byCode('ECONNRESET'))(new Error('no answer', { cause: { code: 'ECONNRESET' } })) // => true
 */
export function causedBy(test: ErrorTest, options: CausedByOptions = {}): Predicate {
  const { maxErrors = causedByDefaults.maxErrors } = options;
  const asked = predicate(test);
  if (!Number.isInteger(maxErrors) || maxErrors < 1) {
    throw new RangeError(`Expected maxErrors to be an integer ≥ 1, got ${maxErrors}`);
  }
  return predicate((error) => {
    // A set keeps its order and may grow while it is walked: queue and memory of the circles in one.
    const found = new Set<unknown>([error]);
    for (const current of found) {
      if (asked(current)) return true;
      addInner(found, current, maxErrors);
    }
    return false;
  });
}

function addInner(found: Set<unknown>, error: unknown, maxErrors: number): void {
  const cause = fact(error, 'cause');
  if (cause !== undefined && found.size < maxErrors) found.add(cause);
  const errors = fact(error, 'errors');
  if (!Array.isArray(errors)) return;
  for (const inner of errors as readonly unknown[]) {
    if (found.size >= maxErrors) return;
    found.add(inner);
  }
}
