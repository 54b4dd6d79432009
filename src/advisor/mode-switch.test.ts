import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { modeSwitch } from './mode-switch.ts';

const facts = { sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent' } as const;

test('a partition is answered at once, and forgotten only after 30 s without one', async () => {
  const clock = testClock();
  const modes = modeSwitch(facts, { clock });
  expect([modes.consistency, modes.mode]).toEqual(['cp-cached', 'orchestration']);
  expect(modes.observe({ cutOff: true })).toBe(true);
  expect([modes.consistency, modes.mode]).toEqual(['ap-compensated', 'saga-first']);
  await clock.advance(10_000);
  expect(modes.observe({})).toBe(false);
  await clock.advance(29_999);
  expect(modes.observe({})).toBe(false);
  await clock.advance(1);
  expect(modes.observe({})).toBe(true);
  expect(modes.consistency).toBe('cp-cached');
});

test('a quorum that swings about the limit every second switches nothing; one that stays slow for 5 s does, once', async () => {
  const clock = testClock();
  const modes = modeSwitch(facts, { clock });
  let switches = 0;
  for (let second = 0; second < 600; second++) {
    if (modes.observe({ quorumP99: second % 2 === 0 ? '41ms' : '39ms' })) switches++;
    await clock.advance(1000);
  }
  expect(switches).toBe(0);
  for (let second = 0; second < 600; second++) {
    // Slow, and then between the thresholds: neither good enough to return nor bad enough to leave.
    if (modes.observe({ quorumP99: second < 10 ? '41ms' : '33ms' })) switches++;
    await clock.advance(1000);
  }
  expect([switches, modes.consistency]).toEqual([1, 'ap-compensated']);
  for (let second = 0; second <= 30; second++) {
    if (modes.observe({ quorumP99: '32ms' })) switches++;
    await clock.advance(1000);
  }
  expect([switches, modes.consistency]).toEqual([2, 'cp-cached']);
});

test('without a fallback it stays, whatever happens', () => {
  const modes = modeSwitch({ ...facts, partition: 'cp' });
  expect(modes.observe({ cutOff: true, quorumP99: '1s' })).toBe(false);
  expect(() => modes.choose({ 'ap-compensated': 1 })).toThrow('Expected a variant for consistency "cp-cached"');
});

test('facts that contradict each other are refused', () => {
  expect(() => modeSwitch({ ...facts, semantics: 'total-order' })).toThrow('Expected facts that can be had together');
  expect(() => modeSwitch(facts, { margin: 1 })).toThrow('Expected margin to be a number in [0, 1), got 1');
});
