import { expect, test } from 'vitest';
import { UsageError } from '../exit-codes.ts';
import { readDemoFlags } from './demo-command.ts';

test('without flags it generates 2,000 orders, 256 in flight, with a fault in a tenth of the attempts and no kills', () => {
  expect(readDemoFlags({})).toEqual({
    ordersFile: undefined,
    count: 2000,
    seed: 1,
    failRate: 0.1,
    kills: 0,
    inFlight: 256,
  });
});

test('--kill means five kills, --kills says how many and implies it', () => {
  expect(readDemoFlags({ kill: true }).kills).toBe(5);
  expect(readDemoFlags({ kills: '9' }).kills).toBe(9);
});

function messageOf(flags: Parameters<typeof readDemoFlags>[0]): string {
  try {
    readDemoFlags(flags);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
  }
  return 'accepted';
}

test('flags out of range are refused with what was expected and what was given', () => {
  expect(messageOf({ count: '0' })).toBe('Expected --count to be an integer from 1 to 1000000, got "0"');
  expect(messageOf({ count: '1e3' })).toBe('Expected --count to be an integer from 1 to 1000000, got "1e3"');
  expect(messageOf({ seed: '-1' })).toBe('Expected --seed to be an integer from 0 to 4294967295, got "-1"');
  expect(messageOf({ failRate: '1.1' })).toBe('Expected --fail-rate to be a number from 0 to 1, got "1.1"');
  expect(messageOf({ failRate: 'NaN' })).toBe('Expected --fail-rate to be a number from 0 to 1, got "NaN"');
  expect(messageOf({ kills: '101' })).toBe('Expected --kills to be an integer from 1 to 100, got "101"');
  expect(messageOf({ inFlight: '' })).toBe('Expected --in-flight to be an integer from 1 to 1000, got ""');
  expect(messageOf({ orders: 'f.csv', count: '5' })).toContain('Expected either --orders or --count, got both');
});
