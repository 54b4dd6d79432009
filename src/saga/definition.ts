import type { Facts } from '../advisor/facts.ts';
import type { RetryRules } from '../retry/decide-retry.ts';
import type { JsonValue } from './json-value.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What is known of a saga when something is decided about a step: by `when`, `pin`, `forEach`, `child`. */
export interface StepFactsContext<Input = unknown, Results = unknown> {
  /** The saga's input, frozen. */
  readonly input: Input;
  /** Outputs of the steps confirmed so far, by step name, frozen. */
  readonly results: Results;
}

/** What an action receives. Everything in it is the same after a crash, except `attempt`, `epoch` and `signal`. */
export interface ActionContext<Input = unknown, Results = unknown, Item = undefined>
  extends StepFactsContext<Input, Results> {
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
  /** The headers that the saga was started with, and the step's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** The item this call is for, in a step of `forEach`. */
  readonly item: Item;
  /** The item's place among them, from 0; `undefined` elsewhere. */
  readonly place: number | undefined;
  /** What the step's `pin` said at its first attempt: the version that this call was decided on. */
  readonly pin: JsonValue | undefined;
}

/** What a compensation receives; its `idempotencyKey` is `sagaId/step/compensation`. */
export interface CompensationContext<Input = unknown, Results = unknown, Output = unknown, Item = undefined>
  extends ActionContext<Input, Results, Item> {
  /** What the action answered; `undefined` when its outcome is unknown: then undo it if it happened, and prevent it if not. */
  readonly output: Output | undefined;
  /** Why the saga is undone. */
  readonly reason: string;
}

/** What a status probe found: the action's effect is there, or it is not and never will be. */
export type ProbeAnswer<Output = unknown> =
  | { readonly effect: 'applied'; readonly output?: Output }
  | { readonly effect: 'none' };

/** What every step has, whatever it does. */
export interface StepPlace {
  readonly name: string;
  /** Its place in {@link SagaDefinition.steps}. */
  readonly index: number;
  /** Places of the steps that must be confirmed before this one starts. */
  readonly after: readonly number[];
  readonly pivot: boolean;
  /** Whether it comes after the pivot: retried forward, never compensated. */
  readonly afterPivot: boolean;
  /** Whether it is run at all, asked once when it could start. */
  readonly when: ((context: StepFactsContext) => unknown) | undefined;
}

/** A step that calls a participant, as the engine sees it: checked, resolved, and without its types. */
export interface CallStep extends StepPlace {
  readonly kind: 'call';
  readonly run: (context: ActionContext) => unknown;
  /** Absent for steps that are read-only, the pivot, or after it. */
  readonly compensate: ((context: CompensationContext) => unknown) | undefined;
  readonly statusProbe: ((context: ActionContext) => unknown) | undefined;
  readonly pin: ((context: StepFactsContext) => unknown) | undefined;
  /** The URLs that its handlers call, where its participant is remote. */
  readonly targets: readonly string[] | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** `saga-first`: no undoing because of a transient failure; the action is made again after 1, 2 and 4 s, then a person is asked. */
  readonly mode: 'durable' | 'saga-first';
  /** Whether its compensation is right when nobody knows whether the action happened. */
  readonly nullSafe: boolean;
  /** Whether it is compensated even when it failed for certain. */
  readonly compensateOnFailure: boolean;
  /** Whether a handler that throws may have applied its effect. */
  readonly effectBeforeThrow: 'possible' | 'never';
  readonly retry: RetryRules;
  readonly compensationRetry: RetryRules;
  readonly timeoutMs: number;
  readonly compensationTimeoutMs: number;
  /** How long a call may still be on its way after its time-out. */
  readonly maxFlightMs: number;
}

/** A durable pause. */
export interface SleepStep extends StepPlace {
  readonly kind: 'sleep';
  readonly sleepMs: number;
}

/** A wait for a signal of the step's name. */
export interface WaitStep extends StepPlace {
  readonly kind: 'wait';
  readonly schema: StandardSchema | undefined;
  readonly timeoutMs: number | undefined;
}

/** A saga as a step of another; its compensation is to undo that saga. */
export interface ChildStep extends StepPlace {
  readonly kind: 'child';
  readonly child: SagaDefinition;
  readonly makeInput: (context: StepFactsContext & { readonly item: unknown }) => unknown;
}

/** One step an item of a list that is made when the saga gets there. */
export interface EachStep extends StepPlace {
  readonly kind: 'each';
  readonly items: (context: StepFactsContext) => unknown;
  /** How many items are worked on at the same time. */
  readonly concurrency: number;
  /** What is done for each. */
  readonly each: CallStep | ChildStep;
}

/** A step as the engine sees it. */
export type StepDefinition = CallStep | SleepStep | WaitStep | ChildStep | EachStep;

/** A saga as data: names, edges, options, and handlers found by name. */
export interface SagaDefinition {
  readonly name: string;
  readonly version: string;
  /** Hash of names, edges and phases: two definitions with the same hash can continue each other's sagas. */
  readonly hash: string;
  readonly deadlineMs: number | undefined;
  /** Whether steps are undone one at a time, or as soon as every step that built on them is. */
  readonly compensation: 'sequential' | 'parallel';
  /** Whether the undoing waits at a step that it cannot undo, or goes on with steps independent of it. */
  readonly onStuck: 'hold' | 'continue';
  readonly steps: readonly StepDefinition[];
  /** The facts that it was checked against. */
  readonly require?: Facts | undefined;
  readonly inputSchema: StandardSchema | undefined;
  readonly makeOutput: (context: { readonly input: unknown; readonly results: unknown }) => unknown;
  /**
   * What it was made of, when it is not registered but made for one start: kept in that record, so that the saga goes on
   * after a restart. Default: it is registered.
   */
  readonly plan?: JsonValue;
}

declare const sagaTypes: unique symbol;

/** A finished saga definition, to be registered with Tempo. */
export interface Saga<Input = never, Output = unknown> extends SagaDefinition {
  /** Types only; nothing stands here at run time. */
  readonly [sagaTypes]?: { readonly input: (input: Input) => void; readonly output: Output };
}

/**
 * Whether a step has something to undo it by.
 *
 * @internal
 */
export function isCompensatable(step: StepDefinition): boolean {
  if (step.kind === 'call') return step.compensate !== undefined;
  return step.kind === 'child' && !step.afterPivot;
}

// 64-bit FNV-1a as two 32-bit halves would collide no less than this for the handful of versions of one saga.
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/** What of a step must stay the same for its sagas to go on; retry policies and time-outs may change at any time. */
function shapeOf(step: StepDefinition): readonly unknown[] {
  const shape = [step.name, step.after, step.pivot, step.afterPivot, isCompensatable(step)];
  switch (step.kind) {
    case 'call':
      return step.mode === 'durable' ? shape : [...shape, step.mode];
    case 'child':
      return [...shape, 'child', step.child.name, step.child.version, step.child.hash];
    case 'each':
      return [...shape, 'each', shapeOf(step.each)];
    default:
      return [...shape, step.kind];
  }
}

/**
 * The structural hash of a saga's steps.
 *
 * @see Fowler, Noll, Vo, "FNV hash", 1991 (FNV-1a, 64 bit).
 * @internal
 */
export function structuralHash(steps: readonly StepDefinition[]): string {
  return hashText(JSON.stringify(steps.map(shapeOf)));
}
