import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import type { CallEffect, SagaCommand } from '../../src/saga/command.ts';
import { decideSaga } from '../../src/saga/decide-saga.ts';
import { isCompensatable, type SagaDefinition } from '../../src/saga/definition.ts';
import type { SagaRecord } from '../../src/saga/record.ts';
import { saga } from '../../src/saga/saga.ts';
import { IllegalRecordError } from '../../src/saga/legal-records.ts';
import { applyRecord, foldRecords, type SagaState } from '../../src/saga/state.ts';
import { isTerminal } from '../../src/saga/status.ts';

type Call = CallEffect;

/** A saga drawn at random: groups of parallel steps, perhaps with a pivot, with small retry policies. */
interface Shape {
  readonly groups: readonly number[];
  readonly pivotAt: number | undefined;
  readonly maxAttempts: number;
  readonly deadlineMs: number | undefined;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  groups: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
  pivotAt: fc.option(fc.nat(4), { nil: undefined }),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  deadlineMs: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
});

interface AnyBuilder {
  step(name: string, options: object): AnyBuilder;
  parallel(branches: object): AnyBuilder;
  pivot(name: string, options: object): AnyBuilder;
  output(): SagaDefinition;
}

function one(): number {
  return 1;
}

function define({ groups, pivotAt, maxAttempts, deadlineMs }: Shape): SagaDefinition {
  const retry = { maxAttempts, backoff: constant(100), retryable: () => true };
  let builder = saga(
    'drawn',
    deadlineMs === undefined ? {} : { deadline: deadlineMs },
  ).input() as unknown as AnyBuilder;
  groups.forEach((width, group) => {
    if (group === pivotAt) builder = builder.pivot(`g${group}`, { run: one, retry });
    const forward = pivotAt !== undefined && group >= pivotAt;
    const options = forward ? { run: one, retry } : { run: one, retry, compensate: one, compensationRetry: retry };
    const names = Array.from({ length: width }, (_, branch) => `g${group}b${branch}`);
    builder = builder.parallel(Object.fromEntries(names.map((name) => [name, options])));
  });
  return builder.output();
}

/** Drives a saga with drawn outcomes, drawn order and drawn crashes, as a shell would, and keeps what it saw. */
class World {
  readonly records: SagaRecord[] = [];
  readonly undone: string[] = [];
  state: SagaState | undefined;
  private now = 1_000_000;
  private epoch = 1;
  private inFlight: Call[] = [];
  /** Calls whose process died: their outcomes may still come in, and must change nothing. */
  private ghosts: Call[] = [];
  private wakeAt: number | undefined;
  private readonly definition: SagaDefinition;
  private readonly random = seededRandom(1);

  constructor(definition: SagaDefinition) {
    this.definition = definition;
    this.decide({ type: 'start', input: { n: 1 } });
  }

  private decide(command: SagaCommand): void {
    const { now, epoch, random } = this;
    const decision = decideSaga(this.definition, this.state, command, { id: 's', now, random, epoch, hold: false });
    this.records.push(...decision.records);
    this.state = decision.state;
    this.wakeAt = undefined;
    for (const effect of decision.effects) {
      if (effect.type === 'wake') this.wakeAt = Math.min(this.wakeAt ?? Infinity, effect.at);
      else if (effect.type === 'run' || effect.type === 'compensate') this.inFlight.push(effect);
    }
  }

  /** One move of the world: an outcome, a crash, or time. Returns whether anything can still happen. */
  move(draw: number): boolean {
    if (this.state === undefined || isTerminal(this.state.status)) return false;
    const kind = draw % 10;
    if (kind === 0) this.crash();
    else if (kind === 1 && this.ghosts.length > 0) this.haunt();
    else if (this.inFlight.length > 0) this.finish(draw);
    else if (this.wakeAt === undefined) return false;
    else this.wait();
    return true;
  }

  private wait(): void {
    this.now = Math.max(this.now, this.wakeAt ?? this.now);
    this.decide({ type: 'proceed' });
  }

  private haunt(): void {
    const before = this.records.length;
    const { step, attempt, type } = this.ghosts.pop() as Call;
    const context = { id: 's', now: this.now, random: this.random, epoch: this.epoch, hold: true };
    const late: SagaCommand =
      type === 'run'
        ? { type: 'action-applied', step, attempt, output: 'late' }
        : { type: 'compensation-applied', step, attempt };
    const decision = decideSaga(this.definition, this.state, late, context);
    expect(decision.records).toEqual([]);
    expect(this.records).toHaveLength(before);
  }

  private crash(): void {
    this.ghosts.push(...this.inFlight);
    this.inFlight = [];
    this.epoch++;
    this.state = foldRecords('s', this.records);
    this.now += 5;
    this.decide({ type: 'recover' });
  }

  private finish(draw: number): void {
    const [call] = this.inFlight.splice(Math.floor(draw / 10) % this.inFlight.length, 1) as [Call];
    const { step, attempt } = call;
    const fate = Math.floor(draw / 100) % 4;
    this.now += 10;
    if (call.type === 'compensate') {
      if (fate > 0) this.undone.push(this.definition.steps[step]?.name ?? '');
      if (fate > 0) this.decide({ type: 'compensation-applied', step, attempt });
      else
        this.decide({ type: 'compensation-failed', step, attempt, error: new Error('no'), definite: draw % 7 === 0 });
    } else if (fate > 1) this.decide({ type: 'action-applied', step, attempt, output: { step } });
    else
      this.decide({
        type: 'action-failed',
        step,
        attempt,
        error: new Error('no'),
        definite: fate === 0 && draw % 3 === 0,
      });
  }
}

const draws = fc.array(fc.nat(100_000), { minLength: 300, maxLength: 300 });

function runWorld(shape: Shape, moves: readonly number[]): { world: World; definition: SagaDefinition } {
  const definition = define(shape);
  const world = new World(definition);
  for (const draw of moves) if (!world.move(draw)) break;
  return { world, definition };
}

test('replay of any prefix and then the rest gives the state of the whole, and the live state', () => {
  fc.assert(
    fc.property(shapes, draws, fc.nat(100), (shape, moves, cutAt) => {
      const { world } = runWorld(shape, moves);
      const cut = cutAt % (world.records.length + 1);
      let state = foldRecords('s', world.records.slice(0, cut));
      for (const record of world.records.slice(cut)) state = applyRecord('s', state, record);
      expect(state).toEqual(world.state);
    }),
  );
});

test('every saga ends: completed, compensated, or with a person', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { world } = runWorld(shape, moves);
      expect(['completed', 'compensated', 'needs-human']).toContain(world.state?.status);
    }),
  );
});

test('what is confirmed when the saga turns is undone in reverse order of completion, the unknown first', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { world, definition } = runWorld(shape, moves);
      if (world.state?.status !== 'compensated') return;
      const confirmed = world.records.filter((record) => record.type === 'step-confirmed').map((record) => record.step);
      const unknown = world.records.filter((record) => record.type === 'step-unknown').map((record) => record.step);
      const undoing = world.records.filter((record) => record.type === 'step-compensated').map((record) => record.step);
      const undoable = new Set(definition.steps.filter(isCompensatable).map((step) => step.name));
      const applied = undoing.filter((step) => confirmed.includes(step));
      expect(applied).toEqual(confirmed.filter((step) => undoable.has(step)).toReversed());
      expect(undoing.slice(0, unknown.length).toSorted()).toEqual(unknown.toSorted());
      expect(undoing).toHaveLength(applied.length + unknown.length);
    }),
  );
});

test('no undo starts while an action is in flight, and none is left out', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { world } = runWorld(shape, moves);
      let state: SagaState | undefined;
      for (const record of world.records) {
        if (record.type === 'compensation-started') expect(state?.steps.some((step) => step.action.open)).toBe(false);
        state = applyRecord('s', state, record);
      }
      if (state?.status !== 'compensated') return;
      for (const step of state.steps) expect(['pending', 'failed', 'compensated']).toContain(step.status);
    }),
  );
});

test('attempts are dense, within the policy, and each is written before it is made', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { world } = runWorld(shape, moves);
      for (const type of ['step-started', 'compensation-started'] as const) {
        const attempts = new Map<string, number[]>();
        for (const record of world.records) {
          if (record.type === type) attempts.set(record.step, [...(attempts.get(record.step) ?? []), record.attempt]);
        }
        for (const numbers of attempts.values()) {
          expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
          expect(numbers.length).toBeLessThanOrEqual(shape.maxAttempts);
        }
      }
    }),
  );
});

test('nothing before the pivot is undone once the pivot may have happened', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { world, definition } = runWorld(shape, moves);
      const pivot = definition.steps.find((step) => step.pivot);
      const status = world.state?.steps[pivot?.index ?? -1]?.status;
      if (status === 'confirmed' || status === 'needs-human') expect(world.undone).toEqual([]);
    }),
  );
});

test('a record that cannot follow is refused: skipped, repeated, or after the end', () => {
  fc.assert(
    fc.property(shapes, draws, fc.nat(1000), (shape, moves, pick) => {
      const { world } = runWorld(shape, moves);
      const at = pick % world.records.length;
      const record = world.records[at] as SagaRecord;
      const before = foldRecords('s', world.records.slice(0, at));
      const after = applyRecord('s', before, record);
      expect(() => applyRecord('s', after, record)).toThrow(IllegalRecordError);
      expect(() => applyRecord('s', before, { ...record, seq: record.seq + 1 })).toThrow(IllegalRecordError);
      const end = world.state as SagaState;
      if (isTerminal(end.status)) {
        expect(() => applyRecord('s', end, { ...record, seq: end.seq + 1, epoch: end.epoch })).toThrow(
          IllegalRecordError,
        );
      }
    }),
  );
});
