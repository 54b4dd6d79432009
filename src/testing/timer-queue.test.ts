import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type QueuedTimer, TimerQueue } from './timer-queue.ts';

test('gives back what a sorted list would, whatever is added and removed in whatever order', () => {
  // Mostly additions, so that the heap grows deep enough for a removal to move a timer towards the root.
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 100 }) }) },
    { weight: 3, arbitrary: fc.record({ remove: fc.nat({ max: 100 }) }) },
    { weight: 1, arbitrary: fc.constant('takeNext' as const) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200, size: 'max' }), (commands) => {
      const queue = new TimerQueue();
      const model: QueuedTimer[] = [];
      const everSeen: QueuedTimer[] = [];
      for (const step of commands) {
        if (step === 'takeNext') {
          const next = model.shift();
          expect(queue.next).toBe(next);
          if (next !== undefined) queue.remove(next);
        } else if ('add' in step) {
          const timer = queue.add(step.add, () => {});
          everSeen.push(timer);
          model.push(timer);
          model.sort((one, other) => one.dueMs - other.dueMs || one.order - other.order);
        } else {
          const timer = everSeen[step.remove];
          if (timer !== undefined) {
            queue.remove(timer);
            if (model.includes(timer)) model.splice(model.indexOf(timer), 1);
          }
        }
        expect([queue.next, queue.size]).toEqual([model[0], model.length]);
      }
    }),
  );
});

test('removing a timer of another queue does nothing', () => {
  const [one, other] = [new TimerQueue(), new TimerQueue()];
  const stranger = other.add(1, () => {});
  const own = one.add(1, () => {});
  one.add(2, () => {});
  one.remove(stranger);
  expect([one.next, one.size, other.next]).toEqual([own, 2, stranger]);
  other.remove(stranger);
  expect(other.size).toBe(0);
});
