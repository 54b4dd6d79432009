import { assert, property, shuffledSubarray } from 'fast-check';
import { expect, test } from 'vitest';
import { OffsetPrefix } from './offset-prefix.ts';

test('whatever the order of settling, the prefix never passes a position that is not settled, and reaches the end', () => {
  assert(
    property(
      shuffledSubarray(
        Array.from({ length: 30 }, (_, n) => n),
        { minLength: 30 },
      ),
      (order) => {
        const prefix = new OffsetPrefix<number>();
        const settle = Array.from({ length: 30 }, (_, n) => prefix.take(n));
        const settled = new Set<number>();
        let committed = -1;
        for (const n of order) {
          settled.add(n);
          committed = settle[n]?.() ?? committed;
          let expected = -1;
          while (settled.has(expected + 1)) expected++;
          expect(committed).toBe(expected);
        }
        expect(prefix.size).toBe(0);
      },
    ),
  );
});
