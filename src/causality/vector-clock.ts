/**
 * How many events of each producer are known: `{ orders: 3, payments: 1 }`. A producer that is absent counts 0. The key is
 * a producer's incarnation, so that one whose counter was lost begins under a new key.
 */
export type VectorClock = Readonly<Record<string, number>>;

/** How two vector clocks stand to each other. */
export type VectorOrder = 'equal' | 'before' | 'after' | 'concurrent';

/**
 * The count of one producer.
 *
 * @example
 * vectorCount({ orders: 3 }, 'payments') // => 0
 */
export function vectorCount(vector: VectorClock, producer: string): number {
  return Object.hasOwn(vector, producer) ? (vector[producer] ?? 0) : 0;
}

function isWithin(left: VectorClock, right: VectorClock): boolean {
  return Object.keys(left).every((producer) => vectorCount(left, producer) <= vectorCount(right, producer));
}

/**
 * Tells whether one of two clocks knows all that the other does: `before` and `after` mean cause and effect,
 * `concurrent` that neither knew of the other.
 *
 * @see Fidge, "Timestamps in message-passing systems that preserve the partial ordering", 1988; Mattern, 1989.
 * @example
 * compareVectors({ orders: 1 }, { orders: 1, payments: 1 }) // => 'before'
 */
export function compareVectors(left: VectorClock, right: VectorClock): VectorOrder {
  const [before, after] = [isWithin(left, right), isWithin(right, left)];
  if (before) return after ? 'equal' : 'before';
  return after ? 'after' : 'concurrent';
}

/**
 * Everything that either of two clocks knows.
 *
 * @example
 * mergeVectors({ orders: 3 }, { orders: 1, payments: 2 }) // => { orders: 3, payments: 2 }
 */
export function mergeVectors(left: VectorClock, right: VectorClock): VectorClock {
  const counts = new Map(Object.entries(left));
  for (const [producer, count] of Object.entries(right))
    counts.set(producer, Math.max(counts.get(producer) ?? 0, count));
  return vectorOf(counts);
}

/**
 * The clock of a producer's next event: everything it knows, and one more of its own.
 *
 * @example
 * advanceVector({ orders: 3 }, 'payments') // => { orders: 3, payments: 1 }
 */
export function advanceVector(vector: VectorClock, producer: string): VectorClock {
  const counts = new Map(Object.entries(vector));
  return vectorOf(counts.set(producer, vectorCount(vector, producer) + 1));
}

/** @internal */
export function vectorOf(counts: ReadonlyMap<string, number>): VectorClock {
  return Object.fromEntries(counts);
}
