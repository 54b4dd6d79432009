// How options are checked where they enter: every message says what was expected, of which option, and what was given.

/** For an option of the wrong kind: `Expected limit to be text, got number`. */
export function wrongType(name: string, expectation: string, value: unknown): TypeError {
  return new TypeError(`Expected ${name} to be ${expectation}, got ${value === null ? 'null' : typeof value}`);
}

/** For an option of the right kind, but not one of the values it may have: `Expected limit to be an integer ≥ 1, got 0`. */
export function outOfRange(name: string, expectation: string, value: unknown): RangeError {
  return new RangeError(`Expected ${name} to be ${expectation}, got ${String(value)}`);
}

/** For text that cannot be read, which is shown, or something that is no text at all. */
export function unreadable(name: string, expectation: string, value: unknown): TypeError {
  if (typeof value !== 'string') return wrongType(name, expectation, value);
  return new TypeError(`Expected ${name} to be ${expectation}, got ${JSON.stringify(value)}`);
}

/** A whole number, at least `least`. */
export function checkInteger(name: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw outOfRange(name, `an integer ≥ ${least}`, value);
}

/** A finite number, at least `least`. */
export function checkNumber(name: string, value: unknown, least: number): number {
  if (Number.isFinite(value) && (value as number) >= least) return value as number;
  throw outOfRange(name, `a finite number ≥ ${least}`, value);
}

/** A share, above 0 and up to 1. */
export function checkRatio(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw outOfRange(name, 'a number above 0 and up to 1', value);
}

/** A function, or nothing. */
export function checkFunction<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === 'function') return value;
  throw wrongType(name, 'a function', value);
}

/** Text. */
export function checkText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw wrongType(name, 'text', value);
}

/** An object that has this method; by what is used of it, so that fakes and those of other realms pass. */
export function checkMethod<Value>(name: string, value: Value, method: string, kind: string): Value {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function') return value;
  throw wrongType(name, kind, value);
}
