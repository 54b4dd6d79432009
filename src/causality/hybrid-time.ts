/**
 * A moment of a hybrid logical clock: wall time in 48 bits, a counter in 16. Whoever has heard of a moment only makes
 * later ones, whatever the clocks of the machines say.
 */
export interface HybridTime {
  /** Milliseconds since 1970; below 2^48. */
  readonly wallMs: number;
  /** Tells moments of one millisecond apart, 0 to 65,535. */
  readonly logical: number;
}

const wallLimit = 2 ** 48;
/** How many moments a millisecond has. */
export const logicalLimit: number = 2 ** 16;

/**
 * Orders two moments: negative when the first is earlier, 0 when they are the same.
 *
 * @example
 * compareHybrid({ wallMs: 5, logical: 3 }, { wallMs: 5, logical: 4 }) < 0 // => true
 */
export function compareHybrid(left: HybridTime, right: HybridTime): number {
  return left.wallMs - right.wallMs || left.logical - right.logical;
}

/**
 * Checks a moment that came from elsewhere.
 *
 * @throws {RangeError} when its parts are not whole numbers of 48 and 16 bits.
 * @internal
 */
export function checkHybrid({ wallMs, logical }: HybridTime, name: string): void {
  if (!Number.isSafeInteger(wallMs) || wallMs < 0 || wallMs >= wallLimit)
    throw new RangeError(`Expected wallMs of ${name} to be an integer in [0, 2^48), got ${String(wallMs)}`);
  if (!Number.isSafeInteger(logical) || logical < 0 || logical >= logicalLimit)
    throw new RangeError(`Expected logical of ${name} to be an integer in [0, 2^16), got ${String(logical)}`);
}

/**
 * Writes a moment as 16 hexadecimal digits, 12 for the wall time and 4 for the counter: such texts sort as moments do.
 *
 * @throws {RangeError} when a part is out of its bounds.
 * @example
 * hybridText({ wallMs: 1_000, logical: 2 }) // => '0000000003e80002'
 */
export function hybridText(time: HybridTime): string {
  checkHybrid(time, 'a hybrid time');
  return time.wallMs.toString(16).padStart(12, '0') + time.logical.toString(16).padStart(4, '0');
}

/**
 * Reads what {@link hybridText} wrote.
 *
 * @throws {TypeError} when it is not 16 hexadecimal digits.
 * @example
 * parseHybrid('0000000003e80002') // => { wallMs: 1000, logical: 2 }
 */
export function parseHybrid(text: string): HybridTime {
  if (typeof text !== 'string' || !/^[0-9a-f]{16}$/.test(text))
    throw new TypeError(`Expected a hybrid time to be 16 hexadecimal digits, got ${JSON.stringify(text)}`);
  return { wallMs: Number.parseInt(text.slice(0, 12), 16), logical: Number.parseInt(text.slice(12), 16) };
}
