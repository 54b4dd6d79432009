import { expect, test } from 'vitest';
import { runProgressLine } from './progress.ts';

const state = { ended: 1200, total: 2000, kills: 0 };

test('says how many of how many, the share, the rate, and kills once there are some', () => {
  expect(runProgressLine(state, 2000)).toEqual({ share: 0.6, text: '1,200 of 2,000 orders · 60 % · 600/s' });
  expect(runProgressLine({ ...state, kills: 1 }, 2000).text).toBe('1,200 of 2,000 orders · 60 % · 600/s · 1 kill');
  expect(runProgressLine({ ended: 0, total: 0, kills: 2 }, 0)).toEqual({
    share: 1,
    text: '0 of 0 orders · 100 % · 0/s · 2 kills',
  });
});
