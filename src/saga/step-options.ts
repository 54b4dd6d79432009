import type { RetryOptions } from '../retry/decide-retry.ts';
import type { Duration } from '../time/duration.ts';
import type { ActionContext, CompensationContext, ProbeAnswer, Saga, StepFactsContext } from './definition.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What every step that makes calls may say beside its handlers. */
export interface StepPolicies {
  /** How the action is retried. Default {@link retryDefaults}: four attempts, only failures known to be transient. */
  readonly retry?: RetryOptions;
  /** How long one attempt of the action may take. Default `'3s'`. */
  readonly timeout?: Duration;
  /** How the compensation is retried. Default {@link compensationRetryDefaults}; then a person takes over. */
  readonly compensationRetry?: RetryOptions;
  /** How long one attempt of the compensation may take. Default `timeout`. */
  readonly compensationTimeout?: Duration;
  /**
   * How long a call may still be on its way after its time-out, while its handler has not returned; nothing is undone
   * before. `0` when the callee refuses late calls by itself (a barrier). Default `'30s'`.
   */
  readonly maxFlight?: Duration;
  /**
   * How the step meets failures. `'durable'`: retried by its policy, then the saga is undone. `'saga-first'`: a failure
   * that is not transient is undone at once; a transient one is tried again after 1 s, 2 s and 4 s, then a person is
   * asked. Default `'durable'`.
   */
  readonly mode?: 'durable' | 'saga-first';
  /** Headers that this step's calls carry beside the saga's. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Whether a handler that throws may have applied its effect. `'never'`: the handler knows, so a step whose attempts all
   * threw has nothing to undo. Default `'possible'`.
   */
  readonly effectBeforeThrow?: 'possible' | 'never';
}

/** What a step that is undone may say about that. */
export interface UndoOptions<Input, Results, Output, Item> {
  /** Undoes it; must also be right when the change never happened (`output` is then `undefined`). */
  readonly compensate: (context: CompensationContext<Input, Results, Output, Item>) => unknown;
  /**
   * Asks the participant whether the action was applied, before a step of unknown outcome is undone. To answer
   * `{ effect: 'none' }` the participant must also have made sure that it never will be. Throws when it cannot tell; it is
   * asked again as compensations are retried. Default: not asked, the compensation is called.
   */
  readonly statusProbe?: (
    context: ActionContext<Input, Results, Item>,
  ) => ProbeAnswer<Output> | Promise<ProbeAnswer<Output>>;
  /** `false`: the compensation must not be called when nobody knows whether the action happened; a person is asked. Default `true`. */
  readonly nullSafe?: boolean;
  /** Whether it is undone even after it failed for certain. Default `false`. */
  readonly compensateOnFailure?: boolean;
}

/** What makes the change. */
export interface RunOptions<Input, Results, Output, Item> extends StepPolicies {
  /** Makes the change. Throw a {@link TerminalError} for a definite refusal. */
  readonly run: (context: ActionContext<Input, Results, Item>) => Output | Promise<Output>;
  /**
   * What the step is decided on, such as `{ price: 'v7' }`: asked once, kept, and handed to every attempt as `pin`, so
   * that a retry acts on what was true then, or not at all. Default nothing.
   */
  readonly pin?: (context: StepFactsContext<Input, Results>) => unknown;
}

/** A step before the pivot that changes something, and how to undo it. */
export interface CompensatableStep<Input, Results, Output, Item = undefined>
  extends RunOptions<Input, Results, Output, Item>,
    UndoOptions<Input, Results, Output, Item> {
  readonly readOnly?: false;
}

/** A step that changes nothing, so there is nothing to undo. */
export interface ReadOnlyStep<Input, Results, Output, Item = undefined>
  extends RunOptions<Input, Results, Output, Item> {
  readonly readOnly: true;
  readonly compensate?: never;
}

/** The pivot, or a step after it: it is retried forward and never compensated. */
export interface ForwardStep<Input, Results, Output, Item = undefined>
  extends Omit<RunOptions<Input, Results, Output, Item>, 'compensationRetry' | 'compensationTimeout'> {
  readonly compensate?: never;
  readonly readOnly?: boolean;
}

/** Where in a saga a step stands: before or after the point of no return. */
export type SagaPhase = 'before-pivot' | 'after-pivot';

/** What a step must say at its place: before the pivot, how to undo it. */
export type StepOptions<
  Input,
  Results,
  Output,
  Phase extends SagaPhase,
  Item = undefined,
> = Phase extends 'before-pivot'
  ? CompensatableStep<Input, Results, Output, Item> | ReadOnlyStep<Input, Results, Output, Item>
  : ForwardStep<Input, Results, Output, Item>;

/** Whether a step is run at all: asked once, when it could start, and kept. */
export type Condition<Input, Results> = (context: StepFactsContext<Input, Results>) => boolean;

/** A saga for each item of a list. */
export interface ChildOfItem<Input, Results, Item, ChildInput, Output> {
  readonly child: Saga<ChildInput, Output>;
  /** What the child of this item is started with. Default: the item. */
  readonly input?: (context: StepFactsContext<Input, Results> & { readonly item: Item }) => ChildInput;
}

/** What `forEach` may say beside its step. */
export interface FanOut {
  /** How many items are worked on at the same time. Default 16. */
  readonly concurrency?: number;
}

/** Options of `wait`. */
export interface SignalOptions<Payload> {
  /** Checks the payload when the signal is sent; a wrong one is refused there. Default: anything that JSON carries. */
  readonly schema?: StandardSchema<Payload>;
  /** How long to wait; then the step has failed and the saga is undone. Default: for ever. */
  readonly timeout?: Duration;
}
