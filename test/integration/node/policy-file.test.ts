import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PolicyFileError, watchPolicies } from '../../../src/adapters/node/index.ts';
import { memoryJournal } from '../../../src/journal/index.ts';
import { saga } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';

const order = saga('order')
  .input<null>()
  .step('charge', { run: () => 1, compensate: () => undefined })
  .output();

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makegood-policies-'));
  path = join(folder, 'policies.json');
});

afterEach(() => rm(folder, { recursive: true }));

/** What a watched file has told, one at a time, in order. */
function teller<Value>(): { tell: (value: Value) => void; next: () => Promise<Value> } {
  const told: Value[] = [];
  let wake: (() => void) | undefined;
  return {
    tell(value) {
      told.push(value);
      wake?.();
    },
    async next() {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return told.shift() as Value;
    },
  };
}

test('a policy file holds from its first reading, again whenever it is replaced, and lets go of what it leaves out', async () => {
  await writeFile(path, '{ "order/charge": "exponential", "order/charge/compensation": { "maxAttempts": 9 } }');
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [order] });
  const loads = teller<readonly string[]>();
  await using file = await watchPolicies(tempo.policies, path, { onLoad: loads.tell, onError: loads.tell as never });
  expect(await loads.next()).toEqual(['order/charge', 'order/charge/compensation']);
  expect(tempo.policies.get('order/charge/compensation')?.maxAttempts).toBe(9);

  await writeFile(join(folder, 'next'), '{ "order/charge": { "maxAttempts": 2, "retryOn": ["5xx"] } }');
  await rename(join(folder, 'next'), path);
  expect(await loads.next()).toEqual(['order/charge']);
  expect(tempo.policies.get('order/charge')?.maxAttempts).toBe(2);
  expect(tempo.policies.get('order/charge/compensation')).toBeUndefined();
  await file.close();
});

test('a version that is wrong anywhere is refused whole, with the place; what held before holds on', async () => {
  await writeFile(path, '{ "order/charge": "fixed" }');
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [order] });
  const errors = teller<PolicyFileError>();
  await using file = await watchPolicies(tempo.policies, path, { onError: errors.tell });
  for (const [text, why] of [
    ['{ "order/charge": "none", "order/pay": "none" }', 'Expected a policy\'s key to be "saga/step"'],
    ['{ "order/charge": { "maxAttempts": 0 } }', 'at "order/charge": Expected maxAttempts to be an integer ≥ 1, got 0'],
    ['[]', 'Expected an object of policies'],
  ] as const) {
    await writeFile(join(folder, 'next'), text);
    await rename(join(folder, 'next'), path);
    const error = await errors.next();
    expect(error).toMatchObject({ code: 'MAKEGOOD_POLICY_FILE', path });
    expect(error.message).toContain(why);
    expect([...tempo.policies.entries()].map(([key, { maxAttempts }]) => [key, maxAttempts])).toEqual([
      ['order/charge', 4],
    ]);
  }
  await file.close();
});

test('a file that is not there, or wrong at first, is an error at once', async () => {
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [order] });
  await expect(watchPolicies(tempo.policies, path)).rejects.toMatchObject({ code: 'MAKEGOOD_POLICY_FILE' });
  await writeFile(path, '{ not json');
  await expect(watchPolicies(tempo.policies, path)).rejects.toThrow('the policies that held before hold on');
});
