/** What a requirement makes of the types of a builder; nothing where there is none. */
import type { CompareDigits, LatencyNs } from '../advisor/digits.ts';
import type { Refusal } from '../advisor/refusal.ts';
import type { requirementFaults, StepRules } from '../advisor/requirement.ts';
import type { SagaPhase } from './step-options.ts';

// Not given a name of its own at each place: the compiler would show that name instead of the message.
type Words = typeof requirementFaults;

/** What a step must say about its mode. */
export type ModeRule<Rules extends StepRules, Phase extends SagaPhase> = Rules['stepMode'] extends 'any'
  ? unknown
  : Rules['stepMode'] extends 'durable'
    ? { readonly mode?: 'durable' | Refusal<Words['durable']> }
    : Phase extends 'before-pivot'
      ? { readonly readOnly: true } | { readonly mode: 'saga-first' | Refusal<Words['sagaFirst']> }
      : unknown;

/** What one step an item must say. */
export type EachRule<Rules extends StepRules, Phase extends SagaPhase> = (Rules['order'] extends 'any'
  ? unknown
  : { readonly concurrency: 1 | Refusal<Words['concurrency']> }) &
  (Rules['stepMode'] extends 'any' ? unknown : { readonly child: object } | ModeRule<Rules, Phase>);

/** Where steps may run at the same time. */
export type OrderRule<Rules extends StepRules> = Rules['order'] extends 'any' ? unknown : Refusal<Words['parallel']>;

/** Where a saga may end. */
export type EndRule<Rules extends StepRules, Phase extends SagaPhase> = Rules['pivot'] extends 'free'
  ? unknown
  : Phase extends 'after-pivot'
    ? unknown
    : Refusal<Words['pivot']>;

/** Where a saga may wait for a signal. */
export type WaitRule<Rules extends StepRules> = Rules['limit'] extends string ? Refusal<Words['wait']> : unknown;

/** How long a saga may sleep; a length that the compiler does not know is checked when the saga is defined. */
export type SleepRule<Rules extends StepRules, Length> = Rules['limit'] extends infer Limit extends string
  ? number extends Length
    ? unknown
    : [LatencyNs<Length & (string | number)>] extends [never]
      ? // In hours or days.
        Refusal<Words['sleep']>
      : CompareDigits<LatencyNs<Length & (string | number)>, LatencyNs<Limit>> extends '<'
        ? unknown
        : Refusal<Words['sleep']>
  : unknown;
