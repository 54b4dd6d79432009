import type { FreeRules, StepRules } from '../advisor/requirement.ts';
import type { Duration } from '../time/duration.ts';
import type { Saga, StepFactsContext } from './definition.ts';
import type { JsonValue } from './json-value.ts';
import type { EachRule, EndRule, ModeRule, OrderRule, SleepRule, WaitRule } from './step-rules.ts';
import type {
  ChildOfItem,
  Condition,
  FanOut,
  ForwardStep,
  SagaPhase,
  SignalOptions,
  StepOptions,
} from './step-options.ts';

/** Refuses a name twice; a name that is only known at run time is checked there. */
type NewName<Name extends string, Results> = string extends Name ? Name : Name extends keyof Results ? never : Name;

/** The result of a step that may be skipped. */
type ResultOf<Output, When> = undefined extends When ? Output : Output | undefined;

/** The results so far, and one more. */
type With<Results, Name extends string, Output> = Results & { readonly [Key in Name]: Output };

/** What the branches of `parallel` return, by name. */
type BranchResults<Branches> = {
  readonly [Name in keyof Branches]: Branches[Name] extends { readonly run: (context: never) => infer Output }
    ? Branches[Name] extends { readonly when: (context: never) => boolean }
      ? Awaited<Output> | undefined
      : Awaited<Output>
    : never;
};

declare const branchOutput: unique symbol;

/** A step for `parallel` that has been checked on its own, so that its compensation knows the type of its output. */
export interface Branch<Output> {
  /** Types only; nothing stands here at run time. */
  readonly [branchOutput]?: Output;
}

/**
 * Adds steps one after the other; made by {@link saga}, finished by `.output`. Each call returns a new builder. `Rules` are
 * those that the saga's `require` makes for its steps.
 */
export interface SagaBuilder<Input, Results, Phase extends SagaPhase, Rules extends StepRules = FreeRules> {
  /**
   * Adds a step that starts when everything before it is confirmed. One with `when` is skipped where that says no; its
   * result is then `undefined`.
   */
  step<const Name extends string, Output, When extends Condition<Input, Results> | undefined>(
    name: NewName<Name, Results>,
    options: StepOptions<Input, Results, Output, Phase> & { readonly when?: When } & ModeRule<Rules, Phase>,
  ): SagaBuilder<Input, With<Results, Name, ResultOf<Output, When>>, Phase, Rules>;
  /**
   * Adds steps that run at the same time; the next step waits for all of them.
   *
   * A plain object of steps gives each compensation an `output` of type `unknown`; with `(branch) => ({ a: branch({ … }) })`
   * it has the type of what that branch's `run` returned.
   */
  parallel<
    Branches extends Record<
      string,
      StepOptions<Input, Results, unknown, Phase> & { readonly when?: Condition<Input, Results> } & ModeRule<
          Rules,
          Phase
        >
    >,
  >(
    this: OrderRule<Rules>,
    branches: Branches & { readonly [Name in keyof Results]?: never },
  ): SagaBuilder<Input, Results & BranchResults<Branches>, Phase, Rules>;
  parallel<Outputs extends Record<string, unknown>>(
    this: OrderRule<Rules>,
    branches: (
      branch: <Output>(options: StepOptions<Input, Results, Output, Phase> & ModeRule<Rules, Phase>) => Branch<Output>,
    ) => {
      readonly [Name in keyof Outputs]: Branch<Outputs[Name]>;
    },
  ): SagaBuilder<Input, Results & { readonly [Name in keyof Outputs]: Outputs[Name] }, Phase, Rules>;
  /** Adds the point of no return: once it may have happened, the saga only goes forward. At most one a saga. */
  readonly pivot: Phase extends 'before-pivot'
    ? <const Name extends string, Output>(
        name: NewName<Name, Results>,
        options: ForwardStep<Input, Results, Output> & ModeRule<Rules, 'after-pivot'>,
      ) => SagaBuilder<Input, With<Results, Name, Output>, 'after-pivot', Rules>
    : never;
  /** Adds a pause, which a crash or a deploy does not shorten or begin again. */
  sleep<const Name extends string, const Length extends Duration>(
    name: NewName<Name, Results>,
    duration: Length & SleepRule<Rules, Length>,
  ): SagaBuilder<Input, With<Results, Name, null>, Phase, Rules>;
  /**
   * Adds a wait for a signal of the step's name, which `tempo.signal` sends; one sent before is kept for it. Its result is
   * the payload.
   */
  wait<const Name extends string, Payload = JsonValue>(
    this: WaitRule<Rules>,
    name: NewName<Name, Results>,
    options?: SignalOptions<Payload>,
  ): SagaBuilder<Input, With<Results, Name, Payload>, Phase, Rules>;
  /**
   * Adds a saga as a step: confirmed when that saga has completed, with its output; failed when that saga was undone.
   * Undoing the step undoes that saga, in its own order. Before the pivot the child must have no pivot of its own.
   */
  child<const Name extends string, ChildInput, Output>(
    name: NewName<Name, Results>,
    saga: Saga<ChildInput, Output>,
    makeInput: (context: StepFactsContext<Input, Results>) => ChildInput,
  ): SagaBuilder<Input, With<Results, Name, Output>, Phase, Rules>;
  /**
   * Adds one step an item of a list that is made when the saga gets there, and kept. Its result is the list of outputs, in
   * the order of the items. Each item is retried, undone and shown on its own, as `name.0`, `name.1`, …
   */
  forEach<const Name extends string, Item, Output, ChildInput = Item>(
    name: NewName<Name, Results>,
    items: (context: StepFactsContext<Input, Results>) => readonly Item[],
    step: FanOut &
      EachRule<Rules, Phase> &
      (StepOptions<Input, Results, Output, Phase, Item> | ChildOfItem<Input, Results, Item, ChildInput, Output>),
  ): SagaBuilder<Input, With<Results, Name, readonly Output[]>, Phase, Rules>;
  /** Finishes the saga; `make` computes its output from the results, without side effects. Default: no output. */
  output<Output = null>(
    this: EndRule<Rules, Phase>,
    make?: (context: { readonly input: Input; readonly results: Results }) => Output,
  ): Saga<Input, Output>;
}
