import type { ErrorTest } from './predicate.ts';

/** One rule of a classifier: the class, and which errors are of it. */
export type ClassRule<Class extends string = string> = readonly [name: Class, test: ErrorTest];

/** Options of {@link classifier}. */
export interface ClassifierOptions<Otherwise extends string = string> {
  /** The class of every error that no rule takes, and of one whose rule throws. */
  readonly otherwise: Otherwise;
  /** Is told when a rule's test throws, with what it threw, the rule's class and the error in question. Default: nobody. */
  readonly onPredicateError?: (thrown: unknown, className: string, error: unknown) => void;
}

/** What to do with an error of each class. */
export type ClassHandlers<Class extends string> = { readonly [Name in Class]: (error: unknown) => unknown };

/** Sorts errors into classes, see {@link classifier}. */
export interface Classifier<Class extends string> {
  /** The class of an error. */
  (error: unknown): Class;
  /** Every class there is, in the order of the rules. */
  readonly classes: readonly Class[];
  /**
   * Makes a function that hands an error to the handler of its class and returns what that returns. A class without a
   * handler, or a handler without a class, does not compile and throws a `TypeError` at once.
   */
  route<Handlers extends ClassHandlers<Class>>(
    handlers: Handlers & { readonly [Name in Exclude<keyof Handlers, Class>]: never },
  ): (error: unknown) => ReturnType<Handlers[Class]>;
}

/**
 * Sorts errors into named classes: the first rule that holds gives the class, `otherwise` is the class of the rest.
 *
 * A rule whose test throws ends the search: the error is of class `otherwise`, so a broken rule never makes an error
 * retryable, and `onPredicateError` is told.
 *
 * @param rules class and test, in order of precedence.
 * @param options.otherwise the class of errors no rule takes.
 * @throws {TypeError} when a rule is no pair of text and function, or `otherwise` is no text.
 * @example
 * const classify = classifier([['transient', isTransient], ['business', byStatus('4xx')]], { otherwise: 'fatal' });
 * classify({ status: 503 }) // => 'transient'
 * classify.route({ transient: () => 'again', business: () => 'tell', fatal: () => 'alert' })({ status: 409 }) // => 'tell'
 */
export function classifier<const Name extends string, const Otherwise extends string>(
  rules: readonly ClassRule<Name>[],
  options: ClassifierOptions<Otherwise>,
): Classifier<Name | Otherwise> {
  type Class = Name | Otherwise;
  const { otherwise, onPredicateError } = options;
  checkRules(rules, otherwise);
  const ordered = [...rules];
  const classes: readonly Class[] = Object.freeze([...new Set<Class>([...ordered.map(([name]) => name), otherwise])]);
  const classify = (error: unknown): Class => {
    for (const [name, test] of ordered) {
      try {
        if (test(error)) return name;
      } catch (thrown) {
        onPredicateError?.(thrown, name, error);
        return otherwise;
      }
    }
    return otherwise;
  };
  return Object.assign(classify, {
    classes,
    route<Handlers extends ClassHandlers<Class>>(handlers: Handlers) {
      checkHandlers(handlers, classes);
      const ownHandlers = { ...handlers };
      return (error: unknown) => ownHandlers[classify(error)](error) as ReturnType<Handlers[Class]>;
    },
  });
}

function checkRules(rules: readonly ClassRule[], otherwise: unknown): void {
  if (typeof otherwise !== 'string') throw new TypeError(`Expected otherwise to name a class, got ${typeof otherwise}`);
  rules.forEach((rule, index) => {
    if (typeof rule?.[0] !== 'string' || typeof rule[1] !== 'function') {
      throw new TypeError(
        `Expected rule ${index + 1} to be [class, function], got [${typeof rule?.[0]}, ${typeof rule?.[1]}]`,
      );
    }
  });
}

function checkHandlers(handlers: object, classes: readonly string[]): void {
  const given = Object.entries(handlers);
  const missing = classes.find(
    (name) => !given.some(([key, handler]) => key === name && typeof handler === 'function'),
  );
  if (missing !== undefined)
    throw new TypeError(`Expected a handler of class "${missing}", got none that is a function`);
  const stranger = given.find(([key]) => !classes.includes(key));
  if (stranger !== undefined) {
    throw new TypeError(`Expected handlers of ${classes.join(', ')} only, got one of "${stranger[0]}"`);
  }
}
