/**
 * Sagas of every kind of step, met by everything that can happen to them: outcomes of every class, crashes, cancels, signals
 * and people. Participants are the judges: they know which effects stand.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { isMakegoodError } from '../../src/errors.ts';
import { seededRandom } from '../../src/ports/index.ts';
import type { CallEffect, SagaCommand } from '../../src/saga/command.ts';
import { decideSaga } from '../../src/saga/decide-saga.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import type { HumanVerb, SagaRecord } from '../../src/saga/record.ts';
import { saga } from '../../src/saga/saga.ts';
import { foldRecords, type SagaState } from '../../src/saga/state.ts';
import { isTerminal } from '../../src/saga/status.ts';

const kinds = ['call', 'parallel', 'sleep', 'wait', 'each', 'skipped', 'probed', 'careful', 'pivot'] as const;

interface Shape {
  readonly steps: readonly (typeof kinds)[number][];
  readonly parallel: boolean;
  readonly goesOn: boolean;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  steps: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 5 }),
  parallel: fc.boolean(),
  goesOn: fc.boolean(),
});

interface AnyBuilder {
  step(name: string, options: object): AnyBuilder;
  parallel(branches: object): AnyBuilder;
  pivot(name: string, options: object): AnyBuilder;
  sleep(name: string, duration: string): AnyBuilder;
  wait(name: string, options: object): AnyBuilder;
  forEach(name: string, items: () => unknown, options: object): AnyBuilder;
  output(): SagaDefinition;
}

const nothing = (): undefined => undefined;
const retry = { maxAttempts: 2, backoff: constant(100), retryable: () => true };

function define({ steps, parallel, goesOn }: Shape): SagaDefinition {
  const options = { compensate: parallel ? 'parallel' : 'sequential', onStuck: goesOn ? 'continue' : 'hold' } as const;
  let builder = saga('drawn', options).input() as unknown as AnyBuilder;
  let past = false;
  for (const [index, kind] of steps.entries()) {
    const name = `${kind}${index}`;
    const call = past
      ? { run: nothing, retry }
      : { run: nothing, retry, compensate: nothing, compensationRetry: retry, maxFlight: 0 };
    if (kind === 'pivot' && !past) {
      builder = builder.pivot(name, { run: nothing, retry });
      past = true;
    } else if (kind === 'parallel') builder = builder.parallel({ [`${name}a`]: call, [`${name}b`]: call });
    else if (kind === 'sleep') builder = builder.sleep(name, '1s');
    else if (kind === 'wait') builder = builder.wait(name, { timeout: '1h' });
    else if (kind === 'each') builder = builder.forEach(name, () => [1, 2, 3], { ...call, concurrency: 2 });
    else if (kind === 'skipped') builder = builder.step(name, { ...call, when: () => false });
    else if (kind === 'probed' && !past) builder = builder.step(name, { ...call, statusProbe: nothing });
    else if (kind === 'careful' && !past) builder = builder.step(name, { ...call, nullSafe: false });
    else builder = builder.step(name, call);
  }
  return builder.output();
}

const verbs: readonly HumanVerb[] = ['retry', 'retry-with', 'resolve', 'skip', 'forward'];

/** Drives a saga as a shell would, and keeps what participants know. */
class World {
  readonly records: SagaRecord[] = [];
  /** Steps whose effect stands. */
  readonly applied = new Set<string>();
  /** Steps that a person took out of the hands of automation. */
  readonly byHand = new Set<string>();
  state: SagaState | undefined;
  private now = 1_000_000;
  private epoch = 1;
  private inFlight: CallEffect[] = [];
  private wakeAt: number | undefined;
  private readonly definition: SagaDefinition;
  private readonly random = seededRandom(7);

  constructor(definition: SagaDefinition) {
    this.definition = definition;
    this.decide({ type: 'start', input: null });
  }

  private decide(command: SagaCommand): void {
    const { now, epoch, random } = this;
    const decision = decideSaga(this.definition, this.state, command, { id: 's', now, random, epoch, hold: false });
    this.records.push(...decision.records);
    this.state = decision.state;
    this.wakeAt = undefined;
    for (const effect of decision.effects) {
      if (effect.type === 'wake') this.wakeAt = Math.min(this.wakeAt ?? Infinity, effect.at);
      else if ('timeoutMs' in effect) this.inFlight.push(effect);
    }
  }

  /** Asks something that may be refused; a refusal must change nothing. */
  private ask(command: SagaCommand): void {
    try {
      this.decide(command);
    } catch (error) {
      if (!isMakegoodError(error) || error.code === 'MAKEGOOD_ILLEGAL_RECORD') throw error;
    }
  }

  /** One move. Returns whether anything can still happen by itself, or by a person. */
  move(draw: number): boolean {
    const { state } = this;
    if (state === undefined || isTerminal(state.status)) return false;
    const kind = draw % 20;
    if (kind === 0) this.crash(draw);
    else if (kind === 1) this.ask({ type: 'cancel', reason: 'drawn' });
    else if (kind === 2) this.signal();
    else if (this.inFlight.length > 0) this.finish(draw);
    else if (state.status === 'needs-human' && (draw % 3 === 0 || this.wakeAt === undefined)) this.person(draw);
    else if (this.wakeAt === undefined) return false;
    else {
      this.now = Math.max(this.now, this.wakeAt);
      this.decide({ type: 'proceed' });
    }
    return true;
  }

  private signal(): void {
    const wait = this.definition.steps.find((step) => step.kind === 'wait');
    if (wait !== undefined) this.ask({ type: 'signal', name: wait.name, payload: 'go' });
  }

  private person(draw: number): void {
    const stuck = this.state?.steps.filter((step) => step.status === 'needs-human') ?? [];
    const step = stuck[draw % stuck.length]?.name;
    const verb = verbs[Math.floor(draw / 20) % verbs.length] ?? 'retry';
    const before = this.records.length;
    this.ask({ type: 'human', verb, step, by: 'somebody', ...(verb === 'retry-with' ? { args: 1 } : {}) });
    const decided = this.records.slice(before).some(({ type }) => type === 'human-decided');
    if (decided && step !== undefined && !verb.startsWith('retry')) this.byHand.add(step);
  }

  /** Calls in flight may have had their effect, and nobody will ever know from them. */
  private crash(draw: number): void {
    for (const [place, { step, type }] of this.inFlight.entries()) {
      if ((draw >> place) % 2 === 0) this.take(type, this.nameOf(step));
    }
    this.inFlight = [];
    this.epoch++;
    this.state = foldRecords('s', this.records);
    this.now += 5;
    this.decide({ type: 'recover' });
  }

  private nameOf(step: number): string {
    return this.state?.steps[step]?.name ?? '';
  }

  private take(type: CallEffect['type'], name: string): void {
    if (type === 'run') this.applied.add(name);
    if (type === 'compensate') this.applied.delete(name);
  }

  private finish(draw: number): void {
    const [call] = this.inFlight.splice(Math.floor(draw / 20) % this.inFlight.length, 1) as [CallEffect];
    const { step, attempt, type } = call;
    const name = this.nameOf(step);
    const fate = Math.floor(draw / 200) % 8;
    const error = new Error('no');
    const phase = type === 'run' ? 'action' : 'compensation';
    this.now += 10;
    if (type === 'probe') return this.answerProbe(fate, step, attempt, name);
    if (fate === 0) return this.decide({ type: 'call-in-progress', step, attempt, phase, delayMs: 50 });
    if (fate === 1) return this.decide({ type: 'call-postponed', step, attempt, phase, error, delayMs: 50 });
    if (fate <= 3) {
      // The effect may be there although no answer came.
      if (fate === 2) this.take(type, name);
      const failed = { step, attempt, error, definite: false };
      return this.decide({ type: type === 'run' ? 'action-failed' : 'compensation-failed', ...failed });
    }
    if (fate === 4 && !this.applied.has(name) && type === 'run') {
      const nothingDone = draw % 2 === 0 ? { definite: true } : { definite: false, effect: 'none' as const };
      return this.decide({ type: 'action-failed', step, attempt, error, ...nothingDone });
    }
    this.take(type, name);
    this.decide(
      type === 'run'
        ? { type: 'action-applied', step, attempt, output: name }
        : { type: 'compensation-applied', step, attempt },
    );
  }

  private answerProbe(fate: number, step: number, attempt: number, name: string): void {
    if (fate < 2) return this.decide({ type: 'probe-failed', step, attempt, error: new Error('cannot tell') });
    const effect = this.applied.has(name) ? 'applied' : 'none';
    this.decide({ type: 'probe-answered', step, attempt, effect });
  }
}

const draws = fc.array(fc.nat(1_000_000), { minLength: 400, maxLength: 400 });

function runWorld(shape: Shape, moves: readonly number[]): World {
  const world = new World(define(shape));
  for (const draw of moves) if (!world.move(draw)) break;
  return world;
}

test('every record that is written is legal, and replaying them gives the live state', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const world = runWorld(shape, moves);
      expect(foldRecords('s', world.records)).toEqual(world.state);
    }),
    { numRuns: 300 },
  );
});

test('a saga that was undone leaves no effect standing but what a person took over', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const world = runWorld(shape, moves);
      if (world.state?.status !== 'compensated') return;
      expect([...world.applied].filter((step) => !world.byHand.has(step))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a saga that completed has every effect, but of what was skipped or a person took over', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const world = runWorld(shape, moves);
      if (world.state?.status !== 'completed') return;
      const calls = world.state.steps.filter(({ action }) => action.attempts > 0).map(({ name }) => name);
      expect(calls.filter((step) => !world.applied.has(step) && !world.byHand.has(step))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('nothing is left alone: a saga that stops has ended, waits for a person, or for a signal', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const { state } = runWorld(shape, moves);
      expect(state).toBeDefined();
      // 400 moves end any of these sagas: each person's `resolve` or `skip` is drawn again and again.
      expect(['completed', 'compensated']).toContain(state?.status);
    }),
    { numRuns: 300 },
  );
});

test('an attempt is never made beyond its budget, whatever is postponed, polled or renewed', () => {
  fc.assert(
    fc.property(shapes, draws, (shape, moves) => {
      const world = runWorld(shape, moves);
      let state: SagaState | undefined;
      for (const [at, record] of world.records.entries()) {
        state = foldRecords('s', world.records.slice(0, at + 1));
        if (record.type !== 'step-started' && record.type !== 'compensation-started') continue;
        const step = state?.steps.find(({ name }) => name === record.step);
        const call = record.type === 'step-started' ? step?.action : step?.compensation;
        expect((call?.attempts ?? 0) - (call?.uncounted ?? 0)).toBeLessThanOrEqual(2);
      }
    }),
    { numRuns: 60 },
  );
});
