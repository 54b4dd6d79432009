import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { runEpisodes } from '../../scripts/interleavings.ts';
import { type CircuitBreaker, circuitBreaker, consecutiveFailures } from '../../src/guards/index.ts';
import { type SetClock, setClock } from './guard-world.ts';

const [limit, openForMs] = [3, 100];

type Ending = 'success' | 'failure' | 'abort' | 'unused';
type Era =
  | { readonly kind: 'closed'; failures: number }
  | { readonly kind: 'open'; readonly untilMs: number }
  | { readonly kind: 'half-open'; readonly all: Set<number>; readonly held: Set<number>; good: number; lastMs: number };

/** What a breaker ought to do, told by eras: a call belongs to the one it entered in. */
class Model {
  readonly probes: number;
  era: Era = { kind: 'closed', failures: 0 };
  readonly eraOf = new Map<number, Era>();
  /** Tickets of the calls under way, by their number. */
  readonly tickets = new Map<number, number>();
  nowMs = 0;
  private calls = 0;

  constructor(probes: number) {
    this.probes = probes;
  }

  /** The number of the call that is let in, or `undefined`. */
  enter(): number | undefined {
    if (this.era.kind === 'open') {
      if (this.nowMs < this.era.untilMs) return undefined;
      this.era = { kind: 'half-open', all: new Set(), held: new Set(), good: 0, lastMs: 0 };
    }
    const call = this.calls++;
    if (this.era.kind === 'half-open') {
      const { all, held, good, lastMs } = this.era;
      if (held.size + good >= this.probes) {
        if (this.nowMs - lastMs < openForMs) return undefined;
        held.clear();
      }
      held.add(call);
      all.add(call);
      this.era.lastMs = this.nowMs;
    }
    this.eraOf.set(call, this.era);
    return call;
  }

  leave(call: number, ending: Ending): void {
    this.tickets.delete(call);
    const { era } = this;
    if (this.eraOf.get(call) !== era) return;
    if (era.kind === 'closed' && ending === 'success') era.failures = 0;
    if (era.kind === 'closed' && ending === 'failure' && ++era.failures === limit) this.open(openForMs);
    if (era.kind !== 'half-open') return;
    era.held.delete(call);
    if (ending === 'failure') this.open(openForMs);
    if (ending === 'success' && ++era.good === this.probes) this.era = { kind: 'closed', failures: 0 };
  }

  open(forMs: number): void {
    this.era = { kind: 'open', untilMs: this.nowMs + forMs };
  }
}

interface Real {
  readonly breaker: CircuitBreaker;
  readonly clock: SetClock;
}

/** A step that both take, after which they must agree. */
function step(text: string, take: (model: Model, real: Real) => void): fc.Command<Model, Real> {
  return {
    check: () => true,
    run: (model, real) => {
      take(model, real);
      const { era } = model;
      const { state, probesInFlight } = real.breaker.snapshot();
      expect(state).toBe(era.kind);
      expect(probesInFlight).toBe(era.kind === 'half-open' ? era.held.size : 0);
      expect(real.breaker.wouldRefuse(30)).toBe(era.kind === 'open' && model.nowMs + 30 < era.untilMs);
    },
    toString: () => text,
  };
}

const enter = step('enter', (model, { breaker }) => {
  const ticket = breaker.tryEnter();
  const call = model.enter();
  expect(ticket >= 0).toBe(call !== undefined);
  if (call !== undefined) model.tickets.set(call, ticket);
});

function leave(pick: number, ending: Ending): fc.Command<Model, Real> {
  return step(`leave ${pick} ${ending}`, (model, { breaker }) => {
    const calls = [...model.tickets];
    const [call, ticket] = calls[pick % Math.max(1, calls.length)] ?? [];
    if (call === undefined || ticket === undefined) return;
    breaker.leave(ticket, ending, new Error('503'));
    model.leave(call, ending);
  });
}

const endings = fc.constantFrom<Ending>('success', 'failure', 'failure', 'abort', 'unused');
const commands = fc.commands(
  [
    fc.constant(enter),
    fc.constant(enter),
    fc.constant(enter),
    fc.tuple(fc.nat(20), endings).map(([pick, ending]) => leave(pick, ending)),
    fc.constantFrom(1, 50, 99, 100, 250).map((ms) =>
      step(`wait ${ms}`, (model, { clock }) => {
        clock.nowMs = model.nowMs += ms;
      }),
    ),
    fc.constantFrom(
      step('open', (model, { breaker }) => {
        breaker.open();
        model.open(openForMs);
      }),
      step('isolate', (model, { breaker }) => {
        breaker.isolate();
        model.open(Infinity);
      }),
      step('close', (model, { breaker }) => {
        breaker.close();
        model.era = { kind: 'closed', failures: 0 };
      }),
    ),
  ],
  { maxCommands: 120, size: 'max' },
);

test('a breaker does what its model does, in any order of calls, results, waits and hands upon it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), commands, (probes, steps) => {
      const clock = setClock();
      const trip = consecutiveFailures(limit);
      const breaker = circuitBreaker({ trip, openFor: openForMs, halfOpenProbes: probes, clock });
      fc.modelRun(() => ({ model: new Model(probes), real: { breaker, clock } }), steps);
    }),
    { numRuns: 400 },
  );
});

test('a hundred thousand interleavings of probes: never more in flight than allowed, and none leaks', () => {
  expect(runEpisodes({ episodes: 100_000, seed: 20_261_124 })).toMatchObject({ episodes: 100_000, faults: [] });
});
