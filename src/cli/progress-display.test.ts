import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { progressBar, ProgressDisplay } from './progress-display.ts';

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 100, written, write: (text: string) => written.push(text) };
}
const line = { share: 0.6, text: '1,200 of 2,000 orders' };

test('the bar is as full as the run and never wider than the terminal', () => {
  expect(progressBar(line, 100)).toBe(`${'█'.repeat(14)}${'░'.repeat(10)} 1,200 of 2,000 orders`);
  expect(progressBar(line, 30)).toHaveLength(29);
});

test('on a terminal one line is redrawn, at most ten times a second, and taken away at the end', async () => {
  const clock = testClock();
  const stream = recorder(true);
  const display = new ProgressDisplay(stream, clock);
  for (let step = 0; step < 100; step++) {
    display.show(() => line);
    await clock.advance(10);
  }
  display.end();
  expect(stream.written).toHaveLength(11);
  expect(stream.written.slice(0, 10).every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
  expect(stream.written.at(-1)).toBe('\r\u001B[K');
});

test('a terminal that says it is 0 columns wide is taken to have 80', () => {
  const stream = { ...recorder(true), columns: 0 };
  new ProgressDisplay(stream, testClock()).show(() => line);
  expect(stream.written.join('')).toContain('1,200 of 2,000 orders');
});

test('elsewhere a plain line appears every few seconds, without control characters', async () => {
  const clock = testClock();
  const stream = recorder(false);
  const display = new ProgressDisplay(stream, clock);
  for (let step = 0; step < 70; step++) {
    display.show((elapsedMs) => ({ share: 0, text: `after ${elapsedMs} ms` }));
    await clock.advance(100);
  }
  display.end();
  expect(stream.written).toEqual(['after 3000 ms\n', 'after 6000 ms\n']);
});

test('elsewhere nothing at all, where only a bar is wanted', async () => {
  const clock = testClock();
  const stream = recorder(false);
  const display = new ProgressDisplay(stream, clock, 'nothing');
  await clock.advance(10_000);
  display.show(() => line);
  expect(stream.written).toEqual([]);
});
