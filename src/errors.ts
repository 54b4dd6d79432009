/** A stable error code. Codes never change between versions; messages may improve. */
export type MakegoodErrorCode = `MAKEGOOD_${string}`;

/**
 * The base of every operating error that makegood throws: something that can go wrong in a correct program.
 * Programmer mistakes are `TypeError` or `RangeError` instead and are thrown at once.
 *
 * @example
 * new MakegoodError('MAKEGOOD_DEADLINE_EXCEEDED', 'deadline of 300 ms exceeded').code // => 'MAKEGOOD_DEADLINE_EXCEEDED'
 */
export class MakegoodError extends Error {
  /** Stable and machine-readable; compare this with {@link isMakegoodError}, never the message. */
  readonly code: MakegoodErrorCode;

  constructor(code: MakegoodErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * Tells whether a caught value is an error of makegood, by its code rather than by `instanceof`, so that it also holds
 * across two copies of the package and after serialisation.
 *
 * @param error any caught value.
 * @param code when given, only this code matches. Default: any code of makegood.
 * @example
 * isMakegoodError(new MakegoodError('MAKEGOOD_DEADLINE_EXCEEDED', 'too late'), 'MAKEGOOD_DEADLINE_EXCEEDED') // => true
 */
export function isMakegoodError(error: unknown, code?: MakegoodErrorCode): error is MakegoodError {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return code === undefined
    ? typeof error.code === 'string' && error.code.startsWith('MAKEGOOD_')
    : error.code === code;
}
