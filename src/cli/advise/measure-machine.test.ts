import { expect, test } from 'vitest';
import { quorumMs, summarize } from './measure-machine.ts';

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - index);
}

test('figures are by nearest rank: the 99th of 100, the 297th of 300, the only one of one', () => {
  expect(summarize(upTo(100))).toEqual({ samples: 100, p50Ms: 50, p99Ms: 99, maxMs: 100 });
  expect(summarize(upTo(300)).p99Ms).toBe(297);
  expect(summarize([7])).toEqual({ samples: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 });
});

test('a quorum waits for as many peers as make a majority, the nearest ones', () => {
  expect(quorumMs(2, [])).toBe(2);
  expect(quorumMs(2, [30])).toBe(32);
  expect(quorumMs(2, [30, 1])).toBe(3);
  expect(quorumMs(2, [9, 30, 1, 5])).toBe(7);
});
