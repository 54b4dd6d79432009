import type { RetryRules } from '../retry/decide-retry.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What an action receives. Everything in it is the same after a crash, except `attempt`, `epoch` and `signal`. */
export interface ActionContext<Input = unknown, Results = unknown> {
  /** The saga's input, frozen. */
  readonly input: Input;
  /** Outputs of the steps confirmed so far, by step name, frozen. */
  readonly results: Results;
  readonly sagaId: string;
  readonly step: string;
  /** 1 for the first call; counts on across crashes. */
  readonly attempt: number;
  /** `sagaId/step/action`: equal on every attempt, so that the callee can tell a repetition. */
  readonly idempotencyKey: string;
  /** Grows with every take-over; a callee can refuse a lower one than it has seen. */
  readonly epoch: number;
  /** Aborts when the attempt's time is over; the deadline rides on it. */
  readonly signal: AbortSignal;
  /** The headers that the saga was started with. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a compensation receives; its `idempotencyKey` is `sagaId/step/compensation`. */
export interface CompensationContext<Input = unknown, Results = unknown, Output = unknown>
  extends ActionContext<Input, Results> {
  /** What the action answered; `undefined` when its outcome is unknown: then undo it if it happened, and prevent it if not. */
  readonly output: Output | undefined;
  /** Why the saga is undone. */
  readonly reason: string;
}

/** A step as the engine sees it: checked, resolved, and without its types. */
export interface StepDefinition {
  readonly name: string;
  /** Its place in {@link SagaDefinition.steps}. */
  readonly index: number;
  /** Places of the steps that must be confirmed before this one starts. */
  readonly after: readonly number[];
  readonly pivot: boolean;
  /** Whether it comes after the pivot: retried forward, never compensated. */
  readonly afterPivot: boolean;
  readonly run: (context: ActionContext) => unknown;
  /** Absent for steps that are read-only, the pivot, or after it. */
  readonly compensate: ((context: CompensationContext) => unknown) | undefined;
  readonly retry: RetryRules;
  readonly compensationRetry: RetryRules;
  readonly timeoutMs: number;
  readonly compensationTimeoutMs: number;
  /** How long a call may still be on its way after its time-out. */
  readonly maxFlightMs: number;
}

/** A saga as data: names, edges, options, and handlers found by name. */
export interface SagaDefinition {
  readonly name: string;
  readonly version: string;
  /** Hash of names, edges and phases: two definitions with the same hash can continue each other's sagas. */
  readonly hash: string;
  readonly deadlineMs: number | undefined;
  readonly steps: readonly StepDefinition[];
  readonly inputSchema: StandardSchema | undefined;
  readonly makeOutput: (context: { readonly input: unknown; readonly results: unknown }) => unknown;
}

// 64-bit FNV-1a as two 32-bit halves would collide no less than this for the handful of versions of one saga.
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/**
 * The structural hash of a saga's steps.
 *
 * @see Fowler, Noll, Vo, "FNV hash", 1991 (FNV-1a, 64 bit).
 * @internal
 */
export function structuralHash(steps: readonly StepDefinition[]): string {
  const shape = steps.map((step) => [
    step.name,
    step.after,
    step.pivot,
    step.afterPivot,
    step.compensate !== undefined,
  ]);
  return hashText(JSON.stringify(shape));
}
