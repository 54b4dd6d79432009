/**
 * A participant that does what a script says, and remembers every effect. The fault model:
 *
 * - It keeps its contract unless told not to: it applies a key once and replays its reply, undoes a key once, treats the
 *   undo of what it never did as done, and refuses the action from then on (the barrier of the saga pattern).
 * - Its answer may be a refusal, an error that passes, a delay, nothing at all though the effect took place, or something
 *   that is no answer. Its effect may come after the caller has given up.
 * - What it did outlives every process that called it.
 */
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { sleepMs } from '../time/sleep.ts';
import { type EffectOracle, EffectLedger } from './effect-ledger.ts';

/**
 * What one call does. `ok`: takes effect and answers. `refuse`: a definite no. `transient`: an error that passes, nothing
 * took effect. `slow`: `ok` after `slowness`, unless the caller gives up first. `effect-then-timeout`: takes effect and never
 * answers. `late`: never answers, and takes effect `slowness` after the caller has given up. `garbage`: takes effect and
 * answers what is no answer.
 */
export type ScriptedCall = 'ok' | 'refuse' | 'transient' | 'slow' | 'effect-then-timeout' | 'late' | 'garbage';

/** What the calls do, in their order and then `ok`; or for each by its number, from 1, and its idempotency key. */
export type Script = readonly ScriptedCall[] | ((call: number, idempotencyKey: string) => ScriptedCall);

/** What a participant needs of the context of an action or a compensation. */
export interface ScriptedContext {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** Options of {@link scriptedParticipant}. */
export interface ScriptedParticipantOptions {
  /** Default: every call is `ok`. */
  readonly action?: Script;
  /** Default: every call is `ok`. */
  readonly compensation?: Script;
  /** What the action answers. Default the operation, `sagaId/step`. */
  readonly reply?: (context: ScriptedContext) => JsonValue;
  /** How long `slow` and `late` take. Default `'10s'`. */
  readonly slowness?: Duration;
  /** Whether it knows a key again; otherwise each call takes effect. Default `true`. */
  readonly idempotent?: boolean;
  /** Whether it refuses an action after its undo; otherwise that takes effect. Default `true`. */
  readonly barrier?: boolean;
  /** Give it the clock of `testTempo`. Default the system's. */
  readonly clock?: Clock;
}

/** A participant of sagas under test, made by {@link scriptedParticipant}. */
export interface ScriptedParticipant {
  /** To be given as `run`. */
  readonly action: (context: ScriptedContext) => Promise<JsonValue>;
  /** To be given as `compensate`. */
  readonly compensation: (context: ScriptedContext) => Promise<void>;
  /** Whether the action of a key took effect; after `false` it never will. To be given as a probe. */
  readonly status: (context: Pick<ScriptedContext, 'idempotencyKey'>) => Promise<boolean>;
  /** What really happened. */
  readonly effects: EffectOracle;
}

/** `sagaId/step` of `sagaId/step/action` or `sagaId/step/compensation`. */
function operationOf(idempotencyKey: string): string {
  return idempotencyKey.replace(/\/(?:action|compensation)$/, '');
}

class Scripted implements ScriptedParticipant {
  readonly effects: EffectLedger = new EffectLedger();
  private readonly options: ScriptedParticipantOptions;
  private readonly clock: Clock;
  private readonly slownessMs: number;
  private readonly replies = new Map<string, JsonValue>();
  private readonly tombstones = new Set<string>();
  private actions = 0;
  private compensations = 0;

  constructor(options: ScriptedParticipantOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.slownessMs = toMs(options.slowness ?? '10s', 'slowness');
  }

  readonly action = (context: ScriptedContext): Promise<JsonValue> => {
    const call = ++this.actions;
    return this.play(this.scripted(this.options.action, call, context), context, () => this.apply(context));
  };

  readonly compensation = async (context: ScriptedContext): Promise<void> => {
    const call = ++this.compensations;
    await this.play(this.scripted(this.options.compensation, call, context), context, () => this.undo(context));
  };

  readonly status = ({ idempotencyKey }: Pick<ScriptedContext, 'idempotencyKey'>): Promise<boolean> => {
    const operation = operationOf(idempotencyKey);
    const { applied, undone } = this.effects.of(operation);
    if (applied === 0) this.tombstones.add(operation);
    return Promise.resolve(applied > undone);
  };

  private scripted(script: Script = [], call: number, { idempotencyKey }: ScriptedContext): ScriptedCall {
    this.effects.of(operationOf(idempotencyKey)).calls++;
    return typeof script === 'function' ? script(call, idempotencyKey) : (script[call - 1] ?? 'ok');
  }

  private async play<Reply>(call: ScriptedCall, context: ScriptedContext, effect: () => Reply): Promise<Reply> {
    // A request takes at least a turn to arrive.
    await Promise.resolve();
    switch (call) {
      case 'ok':
        return effect();
      case 'refuse':
        throw new TerminalError('the participant refuses', { code: 'REFUSED' });
      case 'transient':
        throw Object.assign(new Error('the participant is away for a moment'), { status: 503 });
      case 'slow':
        await sleepMs(this.slownessMs, this.clock, context.signal);
        return effect();
      case 'effect-then-timeout':
        effect();
        return givenUp(context.signal);
      case 'late':
        context.signal.addEventListener('abort', () => this.clock.setTimer(this.slownessMs, () => attempt(effect)));
        return givenUp(context.signal);
      case 'garbage':
        effect();
        return (() => undefined) as Reply;
    }
  }

  private apply(context: ScriptedContext): JsonValue {
    const { idempotent = true, barrier = true, reply } = this.options;
    const operation = operationOf(context.idempotencyKey);
    if (barrier && this.tombstones.has(operation)) throw new TerminalError('undone already', { code: 'UNDONE' });
    const stored = this.replies.get(operation);
    if (idempotent && stored !== undefined) return stored;
    const answer = reply?.(context) ?? operation;
    this.effects.of(operation).applied++;
    this.replies.set(operation, answer);
    return answer;
  }

  private undo({ idempotencyKey }: ScriptedContext): void {
    const { idempotent = true } = this.options;
    const operation = operationOf(idempotencyKey);
    const entry = this.effects.of(operation);
    const isNew = !this.tombstones.has(operation);
    this.tombstones.add(operation);
    if (entry.applied > 0 && (isNew || !idempotent)) entry.undone++;
  }
}

/** An answer that never comes: the caller's own reason, once it gives up. */
function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's own reason, untouched
    if (signal.aborted) reject(signal.reason);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as above
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Nobody waits for a late effect, nor for its refusal. */
function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
  }
}

/**
 * A participant for tests of sagas: it does what the script says, and counts what really took effect.
 *
 * @param options.action what the action's calls do. Default all `ok`.
 * @param options.compensation what the compensation's calls do. Default all `ok`.
 * @param options.clock that of `testTempo`, when a script has `slow` or `late`.
 * @example
 * const bank = scriptedParticipant({ action: ['transient', 'ok'] });
 * const call = { idempotencyKey: 'pay-1/charge/action', signal: new AbortController().signal };
 * await bank.action(call).catch(() => 'away');
 * await bank.action(call);
 * await bank.action(call); // a repetition
 * bank.effects.audit(['pay-1/charge']) // => { doubles: [], lost: [], strays: [] }
 */
export function scriptedParticipant(options: ScriptedParticipantOptions = {}): ScriptedParticipant {
  return new Scripted(options);
}
