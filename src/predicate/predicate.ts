import { wrongType } from '../options.ts';

/** Tells whether an error is of some kind. A {@link Predicate} is one, and so is any plain function of this shape. */
export type ErrorTest = (error: unknown) => boolean;

/**
 * An {@link ErrorTest} that can be put together with others. Pure: it holds no state and asks only the error.
 * Like `&&` and `||`, `and` and `or` ask the second only when the first leaves it open. What a test throws passes through.
 */
export interface Predicate {
  (error: unknown): boolean;
  /** Holds when both hold. */
  and(other: ErrorTest): Predicate;
  /** Holds when one of them holds. */
  or(other: ErrorTest): Predicate;
  /** Holds when this does not. */
  not(): Predicate;
}

/**
 * Makes a predicate of a function, so that it can be combined with `and`, `or` and `not`.
 *
 * @param test asked with whatever was thrown, which need not be an `Error`.
 * @throws {TypeError} when `test` is no function.
 * @example
 * predicate((error) => error instanceof SyntaxError).not()(new SyntaxError('odd')) // => false
 */
export function predicate(test: ErrorTest): Predicate {
  checkTest(test, 'test');
  return Object.assign((error: unknown) => test(error), {
    and: (other: ErrorTest) => allOf(test, other),
    or: (other: ErrorTest) => anyOf(test, other),
    not: () => predicate((error) => !test(error)),
  });
}

/**
 * Holds when at least one of the tests holds; they are asked in order, up to the first that does. Of no tests: never.
 *
 * @throws {TypeError} when a test is no function.
 * @example
 * anyOf(byCode('EBUSY'), byStatus(423))({ status: 423 }) // => true
 */
export function anyOf(...tests: readonly ErrorTest[]): Predicate {
  tests.forEach((test, index) => checkTest(test, `test ${index + 1}`));
  return predicate((error) => tests.some((test) => test(error)));
}

/**
 * Holds when every test holds; they are asked in order, up to the first that does not. Of no tests: always.
 *
 * @throws {TypeError} when a test is no function.
 * @example
 * allOf(isTransient, byStatus(429).not())({ status: 503 }) // => true
 */
export function allOf(...tests: readonly ErrorTest[]): Predicate {
  tests.forEach((test, index) => checkTest(test, `test ${index + 1}`));
  return predicate((error) => tests.every((test) => test(error)));
}

function checkTest(test: unknown, name: string): void {
  if (typeof test !== 'function') throw wrongType(name, 'a function of an error', test);
}
