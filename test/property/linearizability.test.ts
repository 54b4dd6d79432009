import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkLinearizable,
  drawHistory,
  type Operation,
  type SequentialModel,
} from '../../src/testing/simulation/linearizability.ts';

/** A register: what is read is what was written last. */
type Asked = { readonly write: number } | 'read';
type Register = Operation<Asked, number>;

const register: SequentialModel<number, Asked, number> = {
  initial: 0,
  step: (value, asked, answer) => {
    if (asked !== 'read') return asked.write;
    return answer === undefined || answer === value ? value : undefined;
  },
  keyOf: String,
};

function of(calledAt: number, returnedAt: number, input: Asked, output: number | undefined): Register {
  return { client: `c${calledAt}`, input, output, calledAt, returnedAt };
}
const writes = (from: number, to: number, write: number): Register => of(from, to, { write }, write);
const reads = (from: number, to: number, value: number): Register => of(from, to, 'read', value);
const lost = (from: number, write: number): Register => of(from, Infinity, { write }, undefined);

/** Every order of some of the operations, the answered ones all among them. */
function* orders(operations: readonly Register[]): Generator<readonly Register[]> {
  if (operations.every(({ output }) => output === undefined)) yield [];
  for (const next of operations) {
    if (operations.some((other) => other.returnedAt < next.calledAt)) continue;
    for (const rest of orders(operations.filter((other) => other !== next))) yield [next, ...rest];
  }
}

/** By the definition: whether there is an order in which every answer is right. */
function byHand(operations: readonly Register[]): boolean {
  for (const order of orders(operations)) {
    let state: number | undefined = register.initial;
    for (const { input, output } of order) state = state === undefined ? state : register.step(state, input, output);
    if (state !== undefined) return true;
  }
  return false;
}

describe('histories of a register', () => {
  const cases: readonly (readonly [string, boolean, readonly Register[]])[] = [
    ['nothing happened', true, []],
    ['a read after a write sees it', true, [writes(1, 2, 5), reads(3, 4, 5)]],
    ['a stale read after an acknowledged write', false, [writes(1, 2, 5), reads(3, 4, 0)]],
    ['a read beside a write sees either', true, [writes(1, 6, 5), reads(2, 3, 0), reads(4, 5, 5)]],
    ['new and then old, both beside the write', false, [writes(1, 6, 5), reads(2, 3, 5), reads(4, 5, 0)]],
    ['a write without an answer took effect, late', true, [lost(1, 5), reads(2, 3, 0), reads(4, 5, 5)]],
    ['a write without an answer never took effect', true, [lost(1, 5), reads(2, 3, 0)]],
    ['a write without an answer took effect and was undone', false, [lost(1, 5), reads(2, 3, 5), reads(4, 5, 0)]],
    ['a value that nobody wrote', false, [reads(1, 2, 7)]],
    ['seen before it was asked for', false, [reads(1, 2, 5), writes(3, 4, 5)]],
    // Herlihy, Wing 1990: two writers at once, and readers that agree on the order.
    ['two writes at once, one order', true, [writes(1, 4, 1), writes(2, 3, 2), reads(5, 6, 1), reads(7, 8, 1)]],
    ['two writes at once, two orders', false, [writes(1, 4, 1), writes(2, 3, 2), reads(5, 6, 1), reads(7, 8, 2)]],
  ];
  test.each(cases)('%s: %s', (_, linearizable, history) => {
    expect(checkLinearizable(register, history).linearizable).toBe(linearizable);
    expect(byHand(history)).toBe(linearizable);
  });

  test('what could not come next is marked in the picture', () => {
    const history = [writes(1, 2, 5), reads(3, 4, 0)];
    const { stuck, order } = checkLinearizable(register, history);
    expect([order, stuck]).toEqual([[history[0]], [history[1]]]);
    const lines = drawHistory(history, stuck, ({ output }) => `=> ${output}`).split('\n');
    expect(lines.map((line) => [line[0], line.split('=>')[1]])).toEqual([
      [' ', ' 5'],
      ['!', ' 0'],
    ]);
    // Its call stands to the right of the answer before it.
    expect(lines[1]?.indexOf('|')).toBeGreaterThan(lines[0]?.lastIndexOf('|') ?? Infinity);
  });

  test('some two hundred operations of twelve clients are judged, and a lie at their end is seen', () => {
    const history: Register[] = [];
    let value = 0;
    for (let round = 0; round < 16; round++) {
      const from = round * 100;
      for (let client = 0; client < 12; client++) {
        const at = from + client;
        if (client % 4 === 0) history.push(writes(at, from + 60 + client, (value = round * 20 + client)));
        else history.push(reads(at, from + 60 + client, value));
      }
    }
    expect(checkLinearizable(register, history).linearizable).toBe(true);
    const lie = [...history, reads(2000, 2001, 3)];
    const { linearizable, stuck } = checkLinearizable(register, lie);
    expect([linearizable, stuck]).toEqual([false, [lie.at(-1)]]);
  });
});

test('small histories are judged as by trying every order', () => {
  const drawn = fc.array(
    fc.record({
      at: fc.nat(12),
      takes: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 5 }),
      write: fc.option(fc.integer({ min: 1, max: 2 })),
      read: fc.nat(2),
    }),
    { maxLength: 6 },
  );
  let [linearizable, not] = [0, 0];
  fc.assert(
    fc.property(drawn, (list) => {
      const history = list.map(({ at, takes, write, read }) => {
        const input = write === null ? 'read' : { write };
        const output = takes === null ? undefined : (write ?? read);
        return of(at, takes === null ? Infinity : at + takes, input, output);
      });
      const expected = byHand(history);
      if (expected) linearizable++;
      else not++;
      expect(checkLinearizable(register, history).linearizable).toBe(expected);
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(linearizable, not)).toBeGreaterThan(200);
});
