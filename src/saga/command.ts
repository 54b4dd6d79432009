import type { JsonValue } from './json-value.ts';

/** What happened to a saga, from outside. */
export type SagaCommand =
  | {
      readonly type: 'start';
      readonly input: JsonValue;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly deadlineMs?: number | undefined;
    }
  /** The action of a step was applied. */
  | {
      readonly type: 'action-applied';
      readonly step: number;
      readonly attempt: number;
      readonly output: JsonValue;
      readonly settleAt?: number | undefined;
    }
  /**
   * An attempt of the action failed: for certain, or with an unknown effect. `settleAt` is given while a handler of the
   * step has not returned: until then its call may still be on its way.
   */
  | {
      readonly type: 'action-failed';
      readonly step: number;
      readonly attempt: number;
      readonly error: unknown;
      readonly definite: boolean;
      readonly settleAt?: number | undefined;
    }
  /** A handler that had outlived its time-out has returned. */
  | { readonly type: 'action-settled'; readonly step: number }
  | { readonly type: 'compensation-applied'; readonly step: number; readonly attempt: number }
  | {
      readonly type: 'compensation-failed';
      readonly step: number;
      readonly attempt: number;
      readonly error: unknown;
      readonly definite: boolean;
    }
  /** Go on from where the records end: a timer is due, or there is room to work again. */
  | { readonly type: 'proceed' }
  /** As `proceed`, after a crash: attempts that are open on record have lost their caller. */
  | { readonly type: 'recover' };

/** What the shell is to do once the records are durable. */
export type SagaEffect =
  | { readonly type: 'run'; readonly step: number; readonly attempt: number; readonly timeoutMs: number }
  | { readonly type: 'compensate'; readonly step: number; readonly attempt: number; readonly timeoutMs: number }
  /** Send `proceed` at this time (ms since 1970). */
  | { readonly type: 'wake'; readonly at: number };
