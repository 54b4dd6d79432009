import { context } from '@opentelemetry/api';
import { callOf } from '../../policy/call.ts';
import { type Policy, wrapWith } from '../../policy/policy.ts';
import type { OpenSpan } from './spans.ts';

/**
 * Makes the span of an attempt the active one while the attempt runs.
 *
 * An observer is only told that an attempt begins; it cannot run the attempt. So it hands the span over here, and the
 * guard, which the retry loop calls next, in the same turn, takes it. A span that nobody took by the end of the turn was
 * for a guard behind one that waits: it is forgotten, for the next to ask could be another call's.
 */
export class AttemptContext {
  private handed: OpenSpan | undefined;

  readonly hand = (attempt: OpenSpan): void => {
    this.handed = attempt;
    queueMicrotask(() => {
      if (this.handed === attempt) this.handed = undefined;
    });
  };

  readonly guard: Policy = {
    execute: async (fn, options) => {
      const attempt = this.handed;
      this.handed = undefined;
      const call = callOf(options);
      return attempt === undefined ? fn(call) : context.with(attempt.context, () => fn(call));
    },
    wrap: (fn) => wrapWith(this.guard, fn),
  };
}
