import { causalDeliveryDefaults } from '../causality/causal-delivery-options.ts';
import { hybridClockDefaults } from '../causality/hybrid-clock.ts';
import type { Fallback } from './advise-type.ts';
import type { Consistency, Traits } from './rules.ts';

/** How to set the parts up that the advised mode is made of. */
export type ModeConfig =
  | {
      /** `mode` of each step of the saga. */
      readonly stepMode: 'durable';
      /** The read cache: filled from the journal before the first request, and checked by version when something is written. */
      readonly cache: { readonly warmFrom: 'journal'; readonly validate: 'at-commit' };
      /** `semantic-lock` where conflicts are frequent: an optimistic write would be made again too often. */
      readonly writes: 'optimistic' | 'semantic-lock';
      readonly fallback: Fallback;
    }
  | {
      /** Options of `openHybridClock` and `openCausalDelivery`. */
      readonly clock: typeof hybridClockDefaults;
      readonly delivery: typeof causalDeliveryDefaults;
    }
  | {
      readonly stepMode: 'saga-first';
      /** How a compensation is retried before a person is asked. */
      readonly compensation: { readonly maxAttempts: 4; readonly delays: readonly ['1s', '2s', '4s'] };
      /** Whose decision stands when parts that were cut off meet again. */
      readonly reconcileBy: 'epoch';
    };

/** The settings of a mode. */
export function configOf(consistency: Consistency, fallback: Fallback, traits: Traits): ModeConfig {
  switch (consistency) {
    case 'cp-cached':
      return {
        stepMode: 'durable',
        cache: { warmFrom: 'journal', validate: 'at-commit' },
        writes: traits.conflicts === 'frequent' ? 'semantic-lock' : 'optimistic',
        fallback,
      };
    case 'causal':
      return { clock: hybridClockDefaults, delivery: causalDeliveryDefaults };
    case 'ap-compensated':
      return {
        stepMode: 'saga-first',
        compensation: { maxAttempts: 4, delays: ['1s', '2s', '4s'] },
        reconcileBy: 'epoch',
      };
  }
}
