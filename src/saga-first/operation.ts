import { decideRetry, type RetryRules } from '../retry/decide-retry.ts';
import { failureOf } from '../saga/failure.ts';
import { toJsonValue } from '../saga/json-value.ts';
import type { SagaFirstDraft } from '../saga/saga-first/saga-first-record.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { sleepMs } from '../time/sleep.ts';
import type { FinisherWorld } from './finisher.ts';
import type { SagaFirstSnapshot } from './saga-first-store.ts';
import { timedCall } from './timed-call.ts';

/** What an operation is called with. */
export interface OperationCall {
  readonly id: string;
  /** `id/action`: equal on every attempt, in every process. */
  readonly idempotencyKey: string;
  readonly attempt: number;
  /** Aborts when the attempt's time is over, or the caller gives up. */
  readonly signal: AbortSignal;
}

/** How one operation is driven. */
export interface OperationRules {
  readonly timeoutMs: number;
  readonly retry: RetryRules;
  /** Whether this failure may be retried at all: it passes, and the channel allows it. */
  readonly passes: (error: unknown) => boolean;
}

/** Where a step stands when its operation is over, and the operation's own last error. */
export interface OperationEnd {
  readonly snapshot: SagaFirstSnapshot;
  readonly error: unknown;
}

/** Drives one registered operation to a decision: confirmed, triggered, or a person's. */
export class Operation {
  private readonly world: FinisherWorld;
  private readonly rules: OperationRules;
  private readonly operate: (call: OperationCall) => unknown;
  private readonly signal: AbortSignal | undefined;
  /** Whether a call may still take effect: one that outlived its time and has not returned, or another process's. */
  private mayArrive = false;

  constructor(
    world: FinisherWorld,
    rules: OperationRules,
    operate: (call: OperationCall) => unknown,
    signal: AbortSignal | undefined,
  ) {
    this.world = world;
    this.rules = rules;
    this.operate = operate;
    this.signal = signal;
  }

  /** @param registered the step as registered; `fresh` when it was this very call that registered it. */
  async drive(registered: SagaFirstSnapshot, fresh: boolean): Promise<OperationEnd> {
    let snapshot = registered;
    this.mayArrive = !fresh;
    for (let attempt = fresh ? 1 : registered.state.operationAttempts + 1; ; attempt++) {
      if (attempt > 1) {
        const announced = await this.write(snapshot, { type: 'attempted', phase: 'operation', attempt });
        snapshot = announced;
        // Someone else has decided meanwhile: the operation must not be sent any more.
        if (!announced.won) return { snapshot, error: undefined };
      }
      const error = await this.attempt(snapshot, attempt);
      if ('confirmed' in error) return { snapshot: error.confirmed, error: undefined };
      const delayMs = this.delayAfter(error.failed, attempt);
      if (delayMs === undefined)
        return { snapshot: await this.giveUp(snapshot, error.failed, attempt), error: error.failed };
      try {
        await sleepMs(delayMs, this.world.clock, this.signal);
      } catch (aborted) {
        return { snapshot: await this.trigger(snapshot, aborted), error: aborted };
      }
    }
  }

  private async attempt(
    snapshot: SagaFirstSnapshot,
    attempt: number,
  ): Promise<{ readonly confirmed: SagaFirstSnapshot } | { readonly failed: unknown }> {
    const { id, registration } = snapshot.state;
    const call = (signal: AbortSignal): unknown =>
      this.operate({ id, idempotencyKey: registration.operationKey, attempt, signal });
    const what = `attempt ${attempt} of "${id}"`;
    const { timeoutMs } = this.rules;
    const ending = await timedCall(call, { what, timeoutMs, clock: this.world.clock, parent: this.signal });
    if (!ending.returned) this.mayArrive = true;
    if (!('value' in ending)) return { failed: ending.error };
    try {
      const result = toJsonValue(ending.value, `result of "${id}"`);
      return { confirmed: await this.decide(snapshot, { type: 'confirmed', result }) };
    } catch (error) {
      // What cannot be kept cannot be given again; a store that failed is another matter.
      if (error instanceof TypeError) return { failed: error };
      throw error;
    }
  }

  /** How long to wait before the next call; `undefined` when there is to be none. */
  private delayAfter(error: unknown, attempt: number): number | undefined {
    if (this.signal?.aborted === true || isDefinite(error) || !this.rules.passes(error)) return undefined;
    const failed = { error, number: attempt, previousDelayMs: undefined, remainingMs: Infinity };
    const decision = decideRetry(failed, this.rules.retry, this.world.random);
    return decision.retry ? decision.delayMs : undefined;
  }

  /** A failure that would have passed, and did not in all its attempts, is a person's; any other is undone. */
  private giveUp(snapshot: SagaFirstSnapshot, error: unknown, attempt: number): Promise<SagaFirstSnapshot> {
    const spent = attempt >= this.rules.retry.maxAttempts && this.signal?.aborted !== true;
    if (spent && !isDefinite(error) && this.rules.passes(error))
      return this.decide(snapshot, { type: 'escalated', failure: failureOf(error) });
    return this.trigger(snapshot, error);
  }

  private trigger(snapshot: SagaFirstSnapshot, error: unknown): Promise<SagaFirstSnapshot> {
    const failure = failureOf(error);
    return this.decide(snapshot, {
      type: 'triggered',
      reason: 'failed',
      failure,
      ...(this.mayArrive ? { mayArrive: true } : {}),
    });
  }

  /** Writes a decision, behind attempts that another caller of the same id has announced meanwhile. */
  private async decide(snapshot: SagaFirstSnapshot, draft: SagaFirstDraft): Promise<SagaFirstSnapshot> {
    for (let before = snapshot; ; ) {
      const written = await this.write(before, draft);
      if (written.won || written.state.status !== 'registered') return written;
      before = written;
    }
  }

  private write({ state }: SagaFirstSnapshot, draft: SagaFirstDraft): ReturnType<FinisherWorld['store']['append']> {
    return this.world.store.append(state.id, draft, state.seq);
  }
}
