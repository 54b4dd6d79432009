import { expect, test } from 'vitest';
import { type EntryLog, memoryEntryLog } from '../ports/entry-log.ts';
import { testClock } from '../testing/test-clock.ts';
import type { AuthorityEntry } from './authority-book.ts';
import { openDecisionAuthority } from './decision-authority.ts';
import type { ProvisionalDecision } from './provisional-decision.ts';

const rules = {
  initial: () => 1,
  apply: (left: number, wanted: number) => (wanted <= left ? { state: left - wanted } : { conflict: 'gone' }),
};
const decision: ProvisionalDecision<number> = {
  id: 'n1',
  key: 'apples',
  node: 'north',
  sequence: 1,
  epoch: 1,
  at: { wallMs: 1, logical: 0 },
  body: 1,
};
const request = { node: 'north', decisions: [decision], acknowledged: 0 };

test('a decision that is asked about again while its verdict is being written is judged once', async () => {
  const memory = memoryEntryLog<AuthorityEntry<number>>();
  const writes: (() => void)[] = [];
  const slow: EntryLog<AuthorityEntry<number>> = {
    recover: (owner) => memory.recover(owner),
    append: async (entries) => {
      if (entries[0]?.type === 'judged') await new Promise<void>((resolve) => writes.push(resolve));
      await memory.append(entries);
    },
    close: () => memory.close(),
    [Symbol.asyncDispose]: () => memory.close(),
  };
  const clock = testClock();
  const authority = await openDecisionAuthority({ rules, log: slow, gather: 0, clock });
  const first = authority.judge(request);
  await clock.settle();
  const second = authority.judge(request);
  await clock.settle();
  while (writes.length > 0) {
    writes.shift()?.();
    await clock.settle();
  }
  const confirmed = { verdicts: [{ id: 'n1', outcome: 'confirmed', epoch: 1 }] };
  expect(await first).toMatchObject(confirmed);
  expect(await second).toMatchObject(confirmed);
  expect(authority.stateOf('apples')).toBe(0);
});

test('verdicts that a node has kept are forgotten, and its decisions are still not judged again', async () => {
  const authority = await openDecisionAuthority({ rules, gather: 0 });
  await authority.judge(request);
  expect((await authority.judge({ ...request, acknowledged: 1 })).verdicts).toEqual([]);
  expect(authority.stateOf('apples')).toBe(0);
});

test('refuses rules that are none', async () => {
  await expect(openDecisionAuthority({ rules: {} as never })).rejects.toThrow('Expected rules to have the functions');
});
