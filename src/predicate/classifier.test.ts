import { expect, expectTypeOf, test } from 'vitest';
import { byStatus } from './by-status.ts';
import { type ClassRule, classifier } from './classifier.ts';
import { isTransient } from './transient.ts';

const classify = classifier(
  [
    ['transient', isTransient],
    ['business', byStatus('4xx')],
  ],
  { otherwise: 'fatal' },
);

const nothing = (): void => {};

test('the first rule that holds gives the class, otherwise the rest', () => {
  expect([{ status: 503 }, { status: 429 }, { status: 409 }, new Error('odd'), null].map(classify)).toEqual([
    'transient',
    'transient',
    'business',
    'fatal',
    'fatal',
  ]);
  expect(classify.classes).toEqual(['transient', 'business', 'fatal']);
});

test('route hands the error to the handler of its class and returns its result', () => {
  const route = classify.route({
    transient: () => 'again' as const,
    business: (error) => (error as { status: number }).status,
    fatal: () => null,
  });
  expect([{ status: 503 }, { status: 409 }, new Error('odd')].map(route)).toEqual(['again', 409, null]);
  expectTypeOf(route).returns.toEqualTypeOf<'again' | number | null>();
});

test('the classes are exhaustive in the types, and checked when the types are not', () => {
  expectTypeOf(classify).returns.toEqualTypeOf<'transient' | 'business' | 'fatal'>();
  // @ts-expect-error the class "fatal" has no handler
  expect(() => classify.route({ transient: nothing, business: nothing })).toThrow(
    new TypeError('Expected a handler of class "fatal", got none that is a function'),
  );
  // @ts-expect-error there is no class "fatl"
  expect(() => classify.route({ transient: nothing, business: nothing, fatal: nothing, fatl: nothing })).toThrow(
    new TypeError('Expected handlers of transient, business, fatal only, got one of "fatl"'),
  );
});

test('a rule that throws never makes an error retryable: its class is otherwise, and it is reported', () => {
  const broken = new Error('predicate broke');
  const reports: unknown[] = [];
  const careful = classifier(
    [
      [
        'business',
        () => {
          throw broken;
        },
      ],
      ['transient', isTransient],
    ],
    { otherwise: 'fatal', onPredicateError: (...report) => reports.push(report) },
  );
  const error = { status: 503 };
  expect(careful(error)).toBe('fatal');
  expect(reports).toEqual([[broken, 'business', error]]);
});

test('without rules everything is of class otherwise', () => {
  expect(classifier([], { otherwise: 'fatal' })(new Error('odd'))).toBe('fatal');
});

test('is not changed by changing the rules or handlers it was made of', () => {
  const rules: ClassRule<'a' | 'b'>[] = [['a', () => true]];
  const fixed = classifier(rules, { otherwise: 'b' });
  rules[0] = ['b', () => true];
  expect(fixed(1)).toBe('a');
  const handlers = { a: () => 1, b: () => 2 };
  const route = fixed.route(handlers);
  handlers.a = () => 3;
  expect(route(1)).toBe(1);
});

test('refuses rules that are no pairs of class and function', () => {
  const rules = [['transient', 'ECONNRESET']] as unknown as ClassRule[];
  expect(() => classifier(rules, { otherwise: 'fatal' })).toThrow(
    new TypeError('Expected rule 1 to be [class, function], got [string, string]'),
  );
  expect(() => classifier([], {} as { otherwise: string })).toThrow(
    'Expected otherwise to name a class, got undefined',
  );
});
