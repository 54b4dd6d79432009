import { expect, test } from 'vitest';
import { testClock } from '../../testing/test-clock.ts';
import { progressBar, ProgressDisplay, progressText } from './progress.ts';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 100, written, write: (text: string) => written.push(text) };
}
const state = { ended: 1200, total: 2000, kills: 0 };

test('says how many of how many, the share, the rate, and kills once there are some', () => {
  expect(progressText(state, 2000)).toBe('1,200 of 2,000 orders · 60 % · 600/s');
  expect(progressText({ ...state, kills: 1 }, 2000)).toBe('1,200 of 2,000 orders · 60 % · 600/s · 1 kill');
  expect(progressText({ ended: 0, total: 0, kills: 2 }, 0)).toBe('0 of 0 orders · 100 % · 0/s · 2 kills');
});

test('the bar is as full as the run and never wider than the terminal', () => {
  expect(progressBar(state, 2000, 100)).toBe(`${'█'.repeat(14)}${'░'.repeat(10)} 1,200 of 2,000 orders · 60 % · 600/s`);
  expect(progressBar(state, 2000, 30)).toHaveLength(29);
});

test('on a terminal one line is redrawn, at most ten times a second, and taken away at the end', async () => {
  const clock = testClock();
  const stream = recorder(true);
  const display = new ProgressDisplay(stream, clock);
  for (let step = 0; step < 100; step++) {
    display.show(state);
    await clock.advance(10);
  }
  display.end();
  expect(stream.written).toHaveLength(11);
  expect(stream.written.slice(0, 10).every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
  expect(stream.written.at(-1)).toBe('\r\u001B[K');
});

test('a terminal that says it is 0 columns wide is taken to have 80', () => {
  const stream = { ...recorder(true), columns: 0 };
  new ProgressDisplay(stream, testClock()).show(state);
  expect(stream.written.join('')).toContain('1,200 of 2,000 orders');
});

test('elsewhere a plain line appears every few seconds, without control characters', async () => {
  const clock = testClock();
  const stream = recorder(false);
  const display = new ProgressDisplay(stream, clock);
  for (let step = 0; step < 70; step++) {
    display.show(state);
    await clock.advance(100);
  }
  display.end();
  expect(stream.written).toEqual(['1,200 of 2,000 orders · 60 % · 400/s\n', '1,200 of 2,000 orders · 60 % · 200/s\n']);
});
