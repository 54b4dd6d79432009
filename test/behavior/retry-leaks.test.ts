import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { leftoversOf } from './aborted-retries.ts';

test('after 20,000 aborted retries no listener, no timer and no memory is left', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const { listeners, timers, bytesPerCall } = await leftoversOf(20_000, 2000, gc);
  expect([listeners, timers]).toEqual([0, 0]);
  // One call that is kept takes more than 500 bytes.
  expect(bytesPerCall).toBeLessThan(50);
});
