import { describe, expect, test } from 'vitest';
import { hybridAfter, hybridAfterBoth } from './hybrid-step.ts';
import { compareHybrid, type HybridTime, hybridText, parseHybrid } from './hybrid-time.ts';

type Pair = readonly [wallMs: number, logical: number];
const show = (pair: Pair | undefined): string => (pair === undefined ? 'too far ahead' : `(${pair.join(', ')})`);
const time = ([wallMs, logical]: Pair): HybridTime => ({ wallMs, logical });

describe('moves as the vectors say', () => {
  const sends: readonly (readonly [Pair, number, Pair])[] = [
    [[5, 3], 10, [10, 0]],
    [[10, 0], 10, [10, 1]],
    [[10, 1], 4, [10, 2]],
    [[10, 65_535], 3, [11, 0]],
    [[1000, 2], 3_601_000, [3_601_000, 0]],
    [[1_000_000, 0], 999_000, [1_000_000, 1]],
  ];
  for (const [last, physicalMs, expected] of sends) {
    test(`${show(last)} send ${physicalMs} → ${show(expected)}`, () => {
      expect(hybridAfter(time(last), physicalMs)).toEqual(time(expected));
    });
  }
  const receipts: readonly (readonly [Pair, number, Pair, Pair | undefined])[] = [
    [[10, 2], 10, [10, 7], [10, 8]],
    [[10, 2], 9, [12, 5], [12, 6]],
    [[20, 4], 9, [12, 5], [20, 5]],
    [[20, 4], 30, [12, 5], [30, 0]],
    [[20, 4], 1, [20, 9], [20, 10]],
    [[20, 4], 30, [530, 0], [530, 1]],
    [[20, 4], 30, [531, 0], undefined],
  ];
  for (const [last, physicalMs, received, expected] of receipts) {
    test(`${show(last)} receive ${physicalMs} ${show(received)} → ${show(expected)}`, () => {
      const after = hybridAfterBoth(time(last), physicalMs, time(received), 500);
      expect(after).toEqual(expected === undefined ? undefined : time(expected));
    });
  }
});

test('texts of moments sort as moments do, and are read back', () => {
  const times = (
    [
      [0, 0],
      [0, 65_535],
      [1, 0],
      [255, 9],
      [256, 0],
      [2 ** 48 - 1, 65_535],
    ] as const
  ).map(time);
  const texts = times.map(hybridText);
  expect(texts.toSorted()).toEqual(texts);
  expect(texts.map(parseHybrid)).toEqual(times);
  expect(times.toSorted(compareHybrid)).toEqual(times);
});

test('refuses what is no moment', () => {
  expect(() => hybridText(time([2 ** 48, 0]))).toThrow(
    'Expected wallMs of a hybrid time to be an integer in [0, 2^48)',
  );
  expect(() => hybridText(time([0, 65_536]))).toThrow(
    'Expected logical of a hybrid time to be an integer in [0, 2^16)',
  );
  expect(() => parseHybrid('0000')).toThrow('Expected a hybrid time to be 16 hexadecimal digits, got "0000"');
});
