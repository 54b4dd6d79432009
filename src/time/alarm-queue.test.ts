import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Alarm, type AlarmLink, AlarmQueue } from './alarm-queue.ts';

class Bell implements Alarm {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  readonly onRing: () => unknown;

  constructor(onRing: () => unknown = () => undefined) {
    this.onRing = onRing;
  }

  ring(): void {
    this.onRing();
  }
}

const nearAndFar = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 40_000 }),
  fc.integer({ min: 2 ** 30 - 50, max: 2 ** 30 + 50 }),
  fc.integer({ min: 0, max: 2 ** 40 }),
);

test.each([
  ['near and far', nearAndFar],
  // So near that alarms which are added at different moments often wait for the same tick.
  ['near', fc.integer({ min: 0, max: 8 })],
])(
  'rings each alarm at its own tick, in order of tick and then of adding, whatever else comes and goes: %s',
  (_, ticks) => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), after: ticks }),
      fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('advance' as const), by: ticks }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const queue = new AlarmQueue();
        const rung: number[] = [];
        let waiting: { readonly number: number; readonly bell: Bell; readonly tick: number }[] = [];
        let now = 0;
        for (const [number, action] of steps.entries()) {
          if (action.kind === 'add') {
            const bell = new Bell(() => rung.push(number));
            const tick = now + action.after;
            queue.add(bell, tick);
            waiting.push({ number, bell, tick: Math.max(tick, now + 1) });
          } else if (action.kind === 'remove' && waiting.length > 0) {
            const [taken] = waiting.splice(action.which % waiting.length, 1);
            queue.remove(taken?.bell as Bell);
            queue.remove(taken?.bell as Bell);
          } else if (action.kind === 'advance') {
            const earliest = Math.min(...waiting.map(({ tick }) => tick));
            expect(queue.nextTick).toBeLessThanOrEqual(earliest);
            expect(queue.nextTick === Infinity).toBe(waiting.length === 0);
            now += action.by;
            rung.length = 0;
            queue.advance(now);
            const due = waiting.filter(({ tick }) => tick <= now).sort((left, right) => left.tick - right.tick);
            expect(rung).toEqual(due.map((alarm) => alarm.number));
            waiting = waiting.filter(({ tick }) => tick > now);
          }
          expect(queue.size).toBe(waiting.length);
        }
      }),
      { numRuns: 500 },
    );
  },
);

test('an alarm that rings may take back one that is due with it, and add one that rings in the same go', () => {
  const queue = new AlarmQueue();
  const rung: string[] = [];
  const second = new Bell(() => rung.push('second'));
  const later = new Bell(() => rung.push('later'));
  const first = new Bell(() => {
    rung.push('first');
    queue.remove(second);
    queue.add(later, 0);
  });
  queue.add(first, 40);
  queue.add(second, 40);
  queue.advance(39);
  expect(rung).toEqual([]);
  queue.advance(41);
  expect(rung).toEqual(['first', 'later']);
  expect(queue.size).toBe(0);
});

test('one alarm is one moment to wake up at, however far away it is', () => {
  for (const tick of [1, 100, 2000, 5_000_000, 2 ** 31, 2 ** 45, Number.MAX_SAFE_INTEGER]) {
    const queue = new AlarmQueue();
    queue.add(new Bell(), tick);
    let wakes = 0;
    for (; queue.size > 0; wakes++) queue.advance(queue.nextTick);
    expect(wakes).toBe(1);
  }
});
