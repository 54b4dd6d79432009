import { type VectorClock, vectorCount } from './vector-clock.ts';

/** An event that says what its producer knew when it made it. */
export interface CausalEvent {
  /** Within which events are ordered: the id of a saga. */
  readonly scope: string;
  readonly id: string;
  /** Who made it: `service#incarnation`. Its own counter, `vector[producer]`, has no gaps within the scope. */
  readonly producer: string;
  /** How many events of each producer it builds on, itself included. */
  readonly vector: VectorClock;
  /** Anything that JSON carries. */
  readonly payload: unknown;
}

/** The event's number among those of its producer, from 1. */
export function sequenceOf({ producer, vector }: CausalEvent): number {
  return vectorCount(vector, producer);
}

const mostProducers = 1000;

/**
 * Checks an event that came from elsewhere: a wrong number would never be reached, and hold its scope for ever.
 *
 * @throws {TypeError} naming what is wrong.
 */
export function checkCausalEvent(event: CausalEvent): void {
  for (const name of ['scope', 'id', 'producer'] as const) {
    const value = event[name];
    if (typeof value !== 'string' || value === '' || value.length > 1000)
      throw new TypeError(`Expected ${name} of a causal event to be text of 1 to 1000 characters, got ${show(value)}`);
  }
  const where = `vector of causal event "${event.id}"`;
  if (typeof event.vector !== 'object' || event.vector === null)
    throw new TypeError(`Expected ${where} to be an object of counts, got ${show(event.vector)}`);
  const counts = Object.entries(event.vector);
  if (counts.length > mostProducers)
    throw new TypeError(`Expected ${where} to have at most ${mostProducers} producers, got ${counts.length}`);
  for (const [producer, count] of counts)
    if (!Number.isSafeInteger(count) || count < 0)
      throw new TypeError(`Expected ${where} to hold integers ≥ 0, got ${show(count)} for "${producer}"`);
  if (sequenceOf(event) < 1)
    throw new TypeError(`Expected ${where} to count the event itself, got none of "${event.producer}"`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
}
