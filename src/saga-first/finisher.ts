import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import { decideRetry } from '../retry/decide-retry.ts';
import { failureOf } from '../saga/failure.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import {
  type CompensatorMove,
  type CompensatorRules,
  decideCompensator,
  type FailedCompensation,
} from '../saga/saga-first/decide-saga-first.ts';
import type { SagaFirstDraft } from '../saga/saga-first/saga-first-record.ts';
import type { SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { sleepMs } from '../time/sleep.ts';
import type { ResolvedCompensation } from './compensation.ts';
import type { SagaFirstEvent } from './saga-first-events.ts';
import type { SagaFirstSnapshot, SagaFirstStore, SagaFirstWrite } from './saga-first-store.ts';
import { timedCall } from './timed-call.ts';

// semantics of a store's clock: two of its nodes may differ by so much.
const skewAllowanceMs = 2000;

/** What a finisher works with. */
export interface FinisherWorld {
  readonly store: SagaFirstStore;
  readonly compensations: ReadonlyMap<string, ResolvedCompensation>;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaFirstEvent> | undefined;
}

/** A step after one move: how long it is to be left alone, `Infinity` when automation has nothing more to do. */
export interface Progress {
  readonly state: SagaFirstState;
  readonly waitMs: number;
}

/** Carries a saga-first step to its end: decides, writes, and only then calls. */
export class Finisher {
  private readonly world: FinisherWorld;
  /** What this process has seen fail, by step: which record announced the call, and the delay that was drawn. */
  private readonly failed = new Map<string, FailedCompensation & { readonly seq: number }>();

  constructor(world: FinisherWorld) {
    this.world = world;
  }

  /** Moves as long as something is due. */
  async advance(snapshot: SagaFirstSnapshot): Promise<Progress> {
    let { state, now } = snapshot;
    for (;;) {
      const compensation = this.world.compensations.get(state.registration.name);
      if (compensation === undefined) return this.leave(state);
      const move = this.decide(state, now, compensation);
      if (move.move === 'rest') return this.rest(state);
      if (move.move === 'wait') return { state, waitMs: move.at - now };
      ({ state, now } = await this.make(move, state, compensation));
    }
  }

  /** Moves and waits until automation has nothing more to do. */
  async finish(snapshot: SagaFirstSnapshot): Promise<SagaFirstState> {
    for (let current = snapshot; ; ) {
      const { state, waitMs } = await this.advance(current);
      if (waitMs === Infinity) return state;
      await sleepMs(waitMs, this.world.clock, undefined);
      current = (await this.world.store.read(state.id)) ?? { state, now: current.now + waitMs };
    }
  }

  private decide(
    state: SagaFirstState,
    now: number,
    { probe, retry, timeoutMs }: ResolvedCompensation,
  ): CompensatorMove {
    const rules: CompensatorRules = {
      maxAttempts: retry.maxAttempts,
      attemptTimeoutMs: timeoutMs,
      longestDelayMs: (attempt) => retry.backoff.delayMs(attempt - 1, { previousDelayMs: undefined, random: longest }),
      skewAllowanceMs,
      canProbe: probe !== undefined,
    };
    const failed = this.failed.get(state.id);
    return decideCompensator(state, now, rules, failed?.seq === state.seq ? failed : undefined);
  }

  private make(
    move: Exclude<CompensatorMove, { move: 'wait' | 'rest' }>,
    state: SagaFirstState,
    compensation: ResolvedCompensation,
  ): Promise<SagaFirstSnapshot> {
    switch (move.move) {
      case 'probe':
        return this.probe(state, compensation);
      case 'trigger':
        return this.write(state, { type: 'triggered', reason: 'abandoned' });
      case 'attempt':
        return this.attempt(state, move.attempt, compensation);
      case 'escalate':
        return this.write(state, { type: 'escalated', failure: state.failure ?? unanswered });
    }
  }

  /** Asks, and decides by the answer. A probe that fails says nothing, and then what nobody knows is undone. */
  private async probe(state: SagaFirstState, { probe, timeoutMs }: ResolvedCompensation): Promise<SagaFirstSnapshot> {
    const { id, registration } = state;
    const { args, operationKey } = registration;
    const what = `the probe of "${id}"`;
    const ending = await timedCall((signal) => probe?.({ id, args, operationKey, signal }), {
      what,
      timeoutMs,
      clock: this.world.clock,
    });
    if (!('value' in ending) || typeof ending.value?.applied !== 'boolean') {
      return this.write(state, { type: 'triggered', reason: 'abandoned' });
    }
    if (ending.value.applied) return this.write(state, { type: 'confirmed', result: jsonOf(ending.value.result) });
    const triggered = await this.write(state, { type: 'triggered', reason: 'abandoned' });
    return triggered.state.seq === state.seq + 1 && triggered.won
      ? this.write(triggered.state, { type: 'noop' })
      : triggered;
  }

  /** Announces a call of the compensation, makes it, and writes what came of it: in that order, whatever happens. */
  private async attempt(
    state: SagaFirstState,
    attempt: number,
    compensation: ResolvedCompensation,
  ): Promise<SagaFirstSnapshot> {
    const announced = await this.write(state, { type: 'attempted', phase: 'compensation', attempt });
    if (!announced.won) return announced;
    const ending = await this.call(announced.state, attempt, compensation);
    if ('value' in ending) {
      this.failed.delete(state.id);
      return this.write(announced.state, { type: ending.value === 'nothing' ? 'noop' : 'compensated' });
    }
    const decision = decideRetry(
      { error: ending.error, number: attempt, previousDelayMs: undefined, remainingMs: Infinity },
      compensation.retry,
      this.world.random,
    );
    if (isDefinite(ending.error) || !decision.retry)
      return this.write(announced.state, { type: 'escalated', failure: failureOf(ending.error) });
    this.failed.set(state.id, { seq: announced.state.seq, delayMs: decision.delayMs });
    return (await this.world.store.read(state.id)) ?? announced;
  }

  private call(
    state: SagaFirstState,
    attempt: number,
    compensation: ResolvedCompensation,
  ): ReturnType<typeof timedCall> {
    const { id, registration, result, reason = 'abandoned' } = state;
    const { args, operationKey } = registration;
    const facts = { id, args, operationKey, attempt, result, reason, idempotencyKey: `${id}/compensation` };
    const { timeoutMs } = compensation;
    // Not under any caller's signal: what has to be undone is undone, whoever still waits.
    return timedCall((signal) => compensation.compensate({ ...facts, signal }), {
      what: `compensation attempt ${attempt} of "${id}"`,
      timeoutMs,
      clock: this.world.clock,
    });
  }

  private async write(state: SagaFirstState, draft: SagaFirstDraft): Promise<SagaFirstWrite> {
    const written = await this.world.store.append(state.id, draft, state.seq);
    const { id, status, failure } = written.state;
    if (written.won && status !== 'triggered')
      notify(this.world.observer, { type: 'saga-first.settled', id, status, failure });
    return written;
  }

  /** A compensation that only another process knows. */
  private leave(state: SagaFirstState): Progress {
    notify(this.world.observer, { type: 'saga-first.blocked', id: state.id, compensation: state.registration.name });
    return { state, waitMs: Infinity };
  }

  private rest(state: SagaFirstState): Progress {
    this.failed.delete(state.id);
    return { state, waitMs: Infinity };
  }
}

const unanswered = Object.freeze({ code: 'MAKEGOOD_INTERRUPTED', message: 'no call of the compensation was answered' });

/** The end of what chance may draw, for a wait that must not be too short. */
function longest(): number {
  return 1 - Number.EPSILON;
}

/** What a probe found; what JSON cannot carry counts as applied with no result. */
function jsonOf(result: unknown): JsonValue {
  try {
    return toJsonValue(result, 'result');
  } catch {
    return null;
  }
}
