// How guards check their options: every message says what was expected, of which option, and what was given.

/** A whole number, at least `least`. */
export function checkInteger(name: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  return refuse(name, `an integer ≥ ${least}`, value);
}

/** A finite number, at least 0 or, when it must be `positive`, more than 0. */
export function checkNumber(name: string, value: unknown, positive: boolean = false): number {
  if (typeof value === 'number' && value < Infinity && (positive ? value > 0 : value >= 0)) return value;
  return refuse(name, `a finite number ${positive ? '>' : '≥'} 0`, value);
}

/** A share, in (0, 1] or, where none is allowed too, in [0, 1]. */
export function checkRatio(name: string, value: unknown, zeroAllowed: boolean = false): number {
  if (typeof value === 'number' && value <= 1 && (zeroAllowed ? value >= 0 : value > 0)) return value;
  return refuse(name, `a number ${zeroAllowed ? 'from 0' : 'above 0 and up'} to 1`, value);
}

/** A function, or nothing. */
export function checkFunction<Value>(name: string, value: Value): Value {
  return value === undefined || typeof value === 'function' ? value : mistype(name, 'a function', value);
}

/** Text. */
export function checkText(name: string, value: unknown): string {
  return typeof value === 'string' ? value : mistype(name, 'text', value);
}

/** An object that has this method; by what is used of it, so that fakes and those of other realms pass. */
export function checkMethod<Value>(name: string, value: Value, method: string, kind: string): Value {
  const found = (value as Record<string, unknown> | null | undefined)?.[method];
  return typeof found === 'function' ? value : mistype(name, kind, value);
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new RangeError(`Expected ${name} to be ${expected}, got ${String(value)}`);
}

function mistype(name: string, expected: string, value: unknown): never {
  throw new TypeError(`Expected ${name} to be ${expected}, got ${value === null ? 'null' : typeof value}`);
}
