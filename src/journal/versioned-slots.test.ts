import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VersionedSlots } from './versioned-slots.ts';

interface Value {
  readonly number: number;
}

const change = fc.record({ kind: fc.constantFrom('add', 'set', 'remove', 'snapshot'), place: fc.nat(1000) });

test('a snapshot shows what there was when it was taken, however many writes and snapshots follow', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
      const slots = new VersionedSlots<Value>();
      const model = new Map<number, Value>();
      const taken: { readonly shown: Iterable<Value>; readonly wanted: readonly Value[] }[] = [];
      for (const [number, { kind, place }] of changes.entries()) {
        const keys = [...model.keys()];
        const slot = keys[place % Math.max(1, keys.length)];
        if (kind === 'snapshot') taken.push({ shown: slots.snapshot(), wanted: [...model.values()] });
        else if (kind === 'add' || slot === undefined) model.set(slots.add({ number }), { number });
        else if (kind === 'set') {
          slots.set(slot, { number });
          model.set(slot, { number });
        } else {
          slots.remove(slot);
          model.delete(slot);
        }
      }
      taken.push({ shown: slots.snapshot(), wanted: [...model.values()] });
      const byNumber = (left: Value, right: Value): number => left.number - right.number;
      for (const { shown, wanted } of taken) expect([...shown].toSorted(byNumber)).toEqual(wanted.toSorted(byNumber));
    }),
  );
});

test('slots are used again: a thousand values that come and go need room for one', () => {
  const slots = new VersionedSlots<Value>();
  for (let number = 0; number < 1000; number++) {
    const slot = slots.add({ number });
    expect(slot).toBe(0);
    slots.remove(slot);
  }
});
