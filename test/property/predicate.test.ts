import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAbort, isTimeout } from '../../src/predicate/abort.ts';
import { byCode } from '../../src/predicate/by-code.ts';
import { byStatus } from '../../src/predicate/by-status.ts';
import { causedBy } from '../../src/predicate/caused-by.ts';
import { classifier } from '../../src/predicate/classifier.ts';
import { allOf, anyOf, type ErrorTest, type Predicate, predicate } from '../../src/predicate/predicate.ts';
import { isTransient } from '../../src/predicate/transient.ts';

// Errors are numbers from 0 to 7 and each predicate a set of them: every combination of three predicates is reached.
const thrown = fc.integer({ min: 0, max: 7 });
const subset: fc.Arbitrary<Predicate> = fc
  .uniqueArray(thrown)
  .map((members) => predicate((error) => members.includes(error as number)));

function expectEqual(left: ErrorTest, right: ErrorTest): void {
  for (let error = 0; error < 8; error++) expect(left(error)).toBe(right(error));
}

test('De Morgan: not (p and q) = not p or not q, and not (p or q) = not p and not q', () => {
  fc.assert(
    fc.property(subset, subset, (p, q) => {
      expectEqual(p.and(q).not(), p.not().or(q.not()));
      expectEqual(p.or(q).not(), p.not().and(q.not()));
    }),
  );
});

test('and and or are associative, commutative and distributive; not twice is nothing', () => {
  fc.assert(
    fc.property(subset, subset, subset, (p, q, r) => {
      expectEqual(p.and(q).and(r), p.and(q.and(r)));
      expectEqual(p.or(q).or(r), p.or(q.or(r)));
      expectEqual(p.and(q), q.and(p));
      expectEqual(p.or(q), q.or(p));
      expectEqual(p.and(q.or(r)), p.and(q).or(p.and(r)));
      expectEqual(p.not().not(), p);
    }),
  );
});

test('anyOf and allOf are or and and over a list, also of none', () => {
  fc.assert(
    fc.property(fc.array(subset, { maxLength: 5 }), (predicates) => {
      const or = predicates.reduce(
        (all, next) => all.or(next),
        predicate(() => false),
      );
      const and = predicates.reduce(
        (all, next) => all.and(next),
        predicate(() => true),
      );
      expectEqual(anyOf(...predicates), or);
      expectEqual(allOf(...predicates), and);
    }),
  );
});

test('a classifier gives the class of the first rule that holds', () => {
  fc.assert(
    fc.property(fc.array(subset, { maxLength: 5 }), thrown, (predicates, error) => {
      const rules = predicates.map((ask, index) => [`class ${index}`, ask] as const);
      const first = predicates.findIndex((ask) => ask(error));
      const expected = first === -1 ? 'rest' : `class ${first}`;
      expect(classifier(rules, { otherwise: 'rest' })(error)).toBe(expected);
    }),
  );
});

interface ErrorLike {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly cause?: ErrorLike | undefined;
  readonly errors?: readonly ErrorLike[];
}

const { error: errorLike } = fc.letrec<{ error: ErrorLike }>((tie) => ({
  error: fc.record(
    {
      code: fc.oneof(fc.constantFrom('ECONNRESET', 'ETIMEDOUT', 'ABORT_ERR', 'EBUSY', '40001', 14), fc.anything()),
      status: fc.oneof(fc.constantFrom(200, 404, 503), fc.anything()),
      cause: fc.option(tie('error'), { nil: undefined, depthSize: 'small' }),
      errors: fc.array(tie('error'), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
}));

test('no predicate throws, whatever was thrown, and the kinds exclude each other', () => {
  fc.assert(
    fc.property(fc.oneof(errorLike, fc.anything()), (error) => {
      const [transient, timeout, abort] = [isTransient(error), isTimeout(error), isAbort(error)];
      expect(transient && abort).toBe(false);
      expect(timeout && !transient).toBe(false);
      for (const ask of [byCode('EBUSY'), byStatus('5xx')]) expect(typeof causedBy(ask)(error)).toBe('boolean');
    }),
    { numRuns: 2000 },
  );
});

test('an error that says nothing of itself never changes what its cause is', () => {
  fc.assert(
    fc.property(errorLike, fc.integer({ min: 1, max: 20 }), (error, depth) => {
      let wrapped: unknown = error;
      for (let level = 0; level < depth; level++) wrapped = new Error('wrapped', { cause: wrapped });
      for (const ask of [isTransient, isTimeout, isAbort]) expect(ask(wrapped)).toBe(ask(error));
    }),
  );
});
