import { constant } from '../../../src/backoff/index.ts';
import { memoryJournal } from '../../../src/journal/index.ts';
import type { SagaDefinition, SagaRecordType } from '../../../src/saga/index.ts';
import { openTempo, type SagaEvent, type Tempo, type TempoOptions } from '../../../src/tempo/index.ts';
import { type TestClock, testClock } from '../../../src/testing/index.ts';

/** A coordinator on a test clock, and what was seen of it. */
export interface Bench extends AsyncDisposable {
  readonly tempo: Tempo;
  readonly clock: TestClock;
  readonly events: SagaEvent[];
  /** Types of a saga's records so far, with the step where there is one: `step-started a`. */
  story(id: string): Promise<string[]>;
}

/** Opens a coordinator for definitions that a test made. */
export async function open(
  sagas: readonly SagaDefinition[],
  options: Partial<TempoOptions> & { readonly clock?: TestClock } = {},
): Promise<Bench> {
  const clock = options.clock ?? testClock();
  const events: SagaEvent[] = [];
  const observer = (event: SagaEvent): void => void events.push(event);
  const tempo = await openTempo({ journal: memoryJournal(), observer, ...options, sagas, clock });
  return {
    tempo,
    clock,
    events,
    async story(id) {
      const records = await tempo.history(id);
      return records.map((record) => [record.type, 'step' in record ? record.step : ''].join(' ').trim());
    },
    async [Symbol.asyncDispose]() {
      const closing = tempo.close();
      // Handlers that never answer are waited for until their time-outs.
      await clock.advance(7_200_000);
      await closing;
    },
  };
}

/** How often one kind of record stands in a story. */
export function count(story: readonly string[], type: SagaRecordType, step?: string): number {
  return story.filter((line) => (step === undefined ? line.startsWith(type) : line === `${type} ${step}`)).length;
}

/** A retry policy that tries any error again, soon. */
export function stubborn(maxAttempts: number, delayMs = 100) {
  return { maxAttempts, backoff: constant(delayMs), retryable: () => true };
}

/** A promise that a test settles by hand. */
export function gate<Value = void>(): PromiseWithResolvers<Value> {
  return Promise.withResolvers<Value>();
}

/** A handler that never answers, and does not listen. */
export function deaf(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** An error of the kind that says more than its message. */
export function fault(message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), facts);
}
