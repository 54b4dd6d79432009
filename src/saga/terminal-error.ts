import { MakegoodError } from '../errors.ts';

/**
 * Thrown by a step to say: this failed for certain, nothing was applied, trying again cannot help.
 * The saga then undoes what was done before; the step itself is not compensated.
 *
 * Recognised by its `definite` property, so that it also counts after crossing a package or process boundary.
 *
 * @param message the business reason, kept in the saga's history.
 * @param options.code the business code, such as `'CARD_DECLINED'`. Default `'TERMINAL'`.
 * @example
 * new TerminalError('card declined', { code: 'CARD_DECLINED' }).businessCode // => 'CARD_DECLINED'
 */
export class TerminalError extends MakegoodError {
  /** Always true: the effect was definitely not applied. */
  readonly definite: true = true;
  /** The business code that was given; becomes `failure.code` of the saga. */
  readonly businessCode: string;

  constructor(message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super('MAKEGOOD_TERMINAL', message, options.cause === undefined ? undefined : { cause: options.cause });
    this.businessCode = options.code ?? 'TERMINAL';
  }
}

/**
 * Whether an error says that the effect was definitely not applied.
 *
 * @internal
 */
export function isDefinite(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'definite' in error && error.definite === true;
}
