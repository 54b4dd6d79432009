import { describe, expect, test } from 'vitest';
import { UsageError } from '../exit-codes.ts';
import { readSimulateFlags } from './simulate-command.ts';

describe('the flags of simulate', () => {
  test('have defaults', () => {
    expect(readSimulateFlags({})).toEqual({ seed: 1, hours: 1, profile: 'all' });
  });

  test.each([[{ seed: '-1' }], [{ hours: '0' }], [{ hours: 'x' }], [{ profile: 'gentle' }]])('refuse %j', (flags) => {
    expect(() => readSimulateFlags(flags)).toThrow(UsageError);
  });
});
