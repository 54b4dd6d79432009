import { expect, test } from 'vitest';
import type { ClaimRecord } from './claim-record.ts';
import { HeldKeys } from './held-keys.ts';

const times = { leaseEndsMs: 1000, expiresMs: 5000 };

function claimed(token: number): ClaimRecord {
  return { type: 'claimed', token, fingerprint: '', ...times };
}

test('records that a checkpoint was ahead of change nothing when they are read again', () => {
  const keys = new HeldKeys();
  const story: readonly ClaimRecord[] = [
    claimed(1),
    { type: 'renewed', token: 1, ...times },
    { type: 'released', token: 1 },
    claimed(2),
    { type: 'completed', token: 2, expiresMs: 9000, result: '{}' },
  ];
  for (const record of story) keys.apply('k', record);
  for (const record of story) keys.apply('k', record);
  expect(keys.live('k', 0)).toMatchObject({ token: 2, result: '{}', expiresMs: 9000 });
  for (const record of [claimed(1), { type: 'completed', token: 1, expiresMs: 1, result: 'late' } as const])
    keys.apply('k', record);
  expect(keys.live('k', 0)).toMatchObject({ token: 2, result: '{}' });
  const running = new HeldKeys();
  running.apply('k', claimed(2));
  running.apply('k', { type: 'completed', token: 1, expiresMs: 9000, result: 'late' });
  running.apply('k', claimed(1));
  expect(running.live('k', 0)).toMatchObject({ token: 2, result: undefined });
});

test('its bytes come back to nothing when every key is gone', () => {
  const keys = new HeldKeys();
  for (let token = 1; token <= 10; token++) {
    keys.apply(`k${token}`, claimed(token));
    if (token % 2 === 0) keys.apply(`k${token}`, { type: 'completed', token, expiresMs: 5000, result: 'long' });
  }
  expect(keys.bytes).toBeGreaterThan(1000);
  keys.forgetExpired(5000, Infinity);
  expect([keys.size, keys.bytes]).toEqual([0, 0]);
});
