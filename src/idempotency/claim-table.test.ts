import { array, assert, constantFrom, oneof, property, string, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { claimTable, sharedClaimTable } from './claim-table.ts';

const never = { ttl: Infinity } as const;

test('100,000 keys are claimed once each while the table grows, though the tags of many are equal', () => {
  // With 12 bits of tag and three slots looked at, some 70 keys meet an equal tag: only the key itself tells.
  const table = claimTable(never);
  const keys = Array.from({ length: 100_000 }, (_, number) => `order-${number}`);
  expect(keys.every((key) => table.claim(key))).toBe(true);
  expect(keys.some((key) => table.claim(key))).toBe(false);
  expect(table.size).toBe(100_000);
});

test('100,000 keys of 11 characters take 25 bytes each at most, the keys included', () => {
  const table = claimTable({ ...never, expectedKeys: 100_000 });
  for (let number = 0; number < 100_000; number++) table.claim(`sku-${1_000_000 + number}`);
  expect(table.bytes / table.size).toBeLessThanOrEqual(25);
});

test('behaves as a set does, for keys of every kind and length', () => {
  const key = oneof(string({ minLength: 1, maxLength: 400, unit: 'grapheme' }), constantFrom('a', 'b', 'é'));
  assert(
    property(array(tuple(constantFrom('claim', 'release'), key), { maxLength: 400 }), (commands) => {
      const table = claimTable(never);
      const model = new Set<string>();
      for (const [command, name] of commands) {
        if (name.length > 512 || !name.isWellFormed()) continue;
        expect(table.heldForMs(name)).toBe(model.has(name) ? Infinity : 0);
        if (command === 'claim') expect(table.claim(name)).toBe(!model.has(name));
        else expect(table.release(name)).toBe(model.has(name));
        if (command === 'claim') model.add(name);
        else model.delete(name);
      }
    }),
  );
});

test('a claim holds for its ttl, never shorter, and can then be made again', async () => {
  const clock = testClock();
  const table = claimTable({ ttl: '10s', clock });
  expect(table.claim('a')).toBe(true);
  await clock.advance(9_999);
  expect(table.claim('a')).toBe(false);
  expect(table.heldForMs('a')).toBeGreaterThan(0);
  await clock.advance(300);
  expect(table.heldForMs('a')).toBe(0);
  expect([table.claim('a'), table.claim('a')]).toEqual([true, false]);
});

test('growing leaves expired keys behind, and a table full of live ones refuses and forgets none', async () => {
  const clock = testClock();
  const table = claimTable({ ttl: '10s', maxKeys: 300, clock });
  for (let number = 0; number < 300; number++) table.claim(`old-${number}`);
  expect(() => table.claim('new')).toThrow(expect.objectContaining({ code: 'MAKEGOOD_STORE_FULL' }));
  expect(table.claim('old-299')).toBe(false);
  await clock.advance(11_000);
  for (let number = 0; number < 300; number++) expect(table.claim(`new-${number}`)).toBe(true);
});

test('a table may not grow beyond its bytes', () => {
  const table = claimTable({ ...never, maxBytes: 50_000 });
  const fill = (): void => {
    for (let number = 0; number < 100_000; number++) table.claim(`key-${number}`);
  };
  expect(fill).toThrow('the table would grow to');
  expect(table.bytes).toBeLessThanOrEqual(50_000);
});

test('what cannot be a key is refused, and nothing is claimed', () => {
  const table = claimTable();
  expect(() => table.claim('')).toThrow(new RangeError('Expected key to have 1 to 512 characters, got 0'));
  expect(() => table.claim('x'.repeat(513))).toThrow(RangeError);
  expect(() => table.claim('\ud800')).toThrow(TypeError);
  expect(table.size).toBe(0);
  expect(() => claimTable({ ttl: 0 })).toThrow(RangeError);
  expect(() => claimTable({ maxKeys: 1.5 })).toThrow(RangeError);
});

test('a shared table does not grow: it refuses, and what it holds stays held', () => {
  const table = sharedClaimTable({ maxKeys: 10, averageKeyBytes: 8, ...never });
  const claims: boolean[] = [];
  const fill = (): void => {
    for (let number = 0; number < 100; number++) claims.push(table.claim(`k${number}`));
  };
  expect(fill).toThrow('the shared table is full');
  expect(claims.length).toBeGreaterThanOrEqual(10);
  expect(table.claim('k0')).toBe(false);
});
