/** How much care a request is worth. */
export interface CareByValue {
  /** One coordinator and every step durable before the next, or services that react to events. */
  readonly mode: 'orchestration' | 'choreography';
  /** Whether to refuse while the parts cannot agree, or go on and mend it later. */
  readonly partition: 'cp' | 'ap';
}

/**
 * Chooses by what is at stake: a high value is worth the wait of strict coordination, a low one is not. Bounds what an
 * anomaly can cost instead of preventing it.
 *
 * @param value of this request, in whatever unit the threshold has.
 * @param options.highFrom values from this one on are high.
 * @throws {RangeError} when a number is not finite.
 * @see Richardson, "Microservices Patterns", 4.3.2: the countermeasure "by value".
 * @example
 * byValue(25_000, { highFrom: 10_000 }) // => { mode: 'orchestration', partition: 'cp' }
 */
export function byValue(value: number, options: { readonly highFrom: number }): CareByValue {
  const { highFrom } = options;
  if (!Number.isFinite(value)) throw new RangeError(`Expected value to be a finite number, got ${value}`);
  if (!Number.isFinite(highFrom)) throw new RangeError(`Expected highFrom to be a finite number, got ${highFrom}`);
  return value >= highFrom ? { mode: 'orchestration', partition: 'cp' } : { mode: 'choreography', partition: 'ap' };
}
