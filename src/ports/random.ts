/**
 * A source of chance: each call gives the next number, uniform in [0, 1).
 * `Math.random` is one, {@link seededRandom} makes one that repeats, {@link cryptoRandom} one that cannot be foretold.
 */
export type Random = () => number;

/**
 * The machine's own fast random source, `Math.random`.
 *
 * @example
 * systemRandom() < 1 // => true
 */
export const systemRandom: Random = () => Math.random();

/**
 * A random source that an attacker cannot predict, from Web Cryptography; about a hundred times slower.
 *
 * @example
 * cryptoRandom() < 1 // => true
 */
export const cryptoRandom: Random = () => {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
};

/**
 * A new id that nobody else has: 128 random bits as 32 hexadecimal digits.
 *
 * @param random where the bits come from. Default {@link cryptoRandom}.
 * @example
 * uniqueId().length // => 32
 */
export function uniqueId(random: Random = cryptoRandom): string {
  let id = '';
  for (let word = 0; word < 4; word++)
    id += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return id;
}

/** A {@link Random} that repeats for the same seed and can be split into independent streams. */
export interface SeededRandom {
  (): number;
  /** A stream of its own for `name`: drawing more in one place does not shift what another place draws. */
  split(name: string): SeededRandom;
}

// FNV-1a, 32 bit: spreads a short name over the seed space; not for security.
function hashText(seed: number, text: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}

// Lowbias32: every bit of the input reaches every bit of the output.
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * A random source that gives the same numbers for the same seed, for tests, simulations and repeatable demos.
 *
 * @param seed any integer; only its lowest 32 bits count.
 * @see Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, and the 32-bit finaliser
 *   "lowbias32" of C. Wellons, 2018.
 * @example
 * seededRandom(7)() === seededRandom(7)() // => true
 */
export function seededRandom(seed: number): SeededRandom {
  return seededStream(seed >>> 0, 0x9e3779b9);
}

/** @param increment odd; streams with different increments walk different orbits, so they cannot run into each other. */
function seededStream(seed: number, increment: number): SeededRandom {
  let state = seed;
  const next = (): number => {
    state = (state + increment) >>> 0;
    return mix(state) / 2 ** 32;
  };
  const split = (name: string): SeededRandom => {
    const stream = hashText(mix(seed ^ increment), name);
    return seededStream(stream, (mix(stream ^ 0x85ebca6b) | 1) >>> 0);
  };
  return Object.assign(next, { split });
}
