import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bulkhead, bulkhead } from '../../src/guards/index.ts';

/** Calls by number: those that run, and those that wait, in the order they came. */
interface Model {
  calls: number;
  readonly running: Set<number>;
  readonly waiting: number[];
  readonly refused: Set<number>;
  readonly left: Set<number>;
}

interface Call {
  readonly caller: AbortController;
  end: (() => void) | undefined;
  state: 'running' | 'waiting' | 'done' | 'refused' | 'left';
}

interface Real {
  readonly guard: Bulkhead;
  readonly calls: Call[];
}

const [maxConcurrent, maxQueue] = [3, 4];

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}

function step(text: string, take: (model: Model, real: Real) => void): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    async run(model, real) {
      take(model, real);
      await settle();
      const of = (state: Call['state']): number[] =>
        real.calls.flatMap((call, number) => (call.state === state ? [number] : []));
      expect(of('running')).toEqual([...model.running].toSorted((left, right) => left - right));
      expect(of('waiting')).toEqual(model.waiting);
      expect(of('refused')).toEqual([...model.refused]);
      expect(of('left')).toEqual([...model.left].toSorted((left, right) => left - right));
      expect(real.guard.snapshot()).toMatchObject({ running: model.running.size, queued: model.waiting.length });
    },
    toString: () => text,
  };
}

function start({ guard, calls }: Real): void {
  const caller = new AbortController();
  const call: Call = { caller, end: undefined, state: 'waiting' };
  const run = guard.execute(
    () => {
      call.state = 'running';
      return new Promise<void>((resolve) => (call.end = resolve));
    },
    { signal: caller.signal },
  );
  run.then(
    () => (call.state = 'done'),
    (error: unknown) => (call.state = error === 'left' ? 'left' : 'refused'),
  );
  calls.push(call);
}

const enter = step('enter', (model, real) => {
  start(real);
  const call = model.calls++;
  if (model.running.size < maxConcurrent) model.running.add(call);
  else if (model.waiting.length < maxQueue) model.waiting.push(call);
  else model.refused.add(call);
});

const end = (pick: number): fc.AsyncCommand<Model, Real> =>
  step(`end ${pick}`, (model, real) => {
    const call = [...model.running][pick % Math.max(1, model.running.size)];
    if (call === undefined) return;
    real.calls[call]?.end?.();
    model.running.delete(call);
    const next = model.waiting.shift();
    if (next !== undefined) model.running.add(next);
  });

const abort = (pick: number): fc.AsyncCommand<Model, Real> =>
  step(`abort ${pick}`, (model, real) => {
    const [call] = model.waiting.splice(pick % Math.max(1, model.waiting.length), 1);
    if (call === undefined) return;
    real.calls[call]?.caller.abort('left');
    model.left.add(call);
  });

// A place is handed over and its new owner leaves in the same turn: it must go on to the next in line.
const endAndAbort = step('end and abort', (model, real) => {
  const [call] = model.running;
  const [heir, next] = model.waiting.splice(0, 2);
  if (heir !== undefined && call !== undefined) {
    real.calls[call]?.end?.();
    real.calls[call] = { ...(real.calls[call] as Call), state: 'done' };
    model.running.delete(call);
    // Aborted while it still waits or when it has just been admitted, it never runs.
    real.calls[heir]?.caller.abort('left');
    model.left.add(heir);
  }
  if (next !== undefined) model.running.add(next);
});

test('a bulkhead does what its model does: places, the line in order, and nobody lost or let in twice', async () => {
  const steps = fc.commands(
    [fc.constant(enter), fc.constant(enter), fc.nat(10).map(end), fc.nat(10).map(abort), fc.constant(endAndAbort)],
    { maxCommands: 80, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const model: Model = { calls: 0, running: new Set(), waiting: [], refused: new Set(), left: new Set() };
      const real: Real = { guard: bulkhead({ maxConcurrent, maxQueue }), calls: [] };
      await fc.asyncModelRun(() => ({ model, real }), commands);
      for (const call of real.calls) call.end?.();
      await settle();
      for (let round = 0; round < maxQueue; round++) {
        for (const call of real.calls) call.end?.();
        await settle();
      }
      expect(real.guard.snapshot()).toMatchObject({ running: 0, queued: 0 });
    }),
    { numRuns: 150 },
  );
});
