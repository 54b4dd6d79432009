import type { DescribedBackoff } from './backoff.ts';
import type { BackoffSpec } from './backoff-spec.ts';
import { constant } from './constant.ts';
import { decorrelated } from './decorrelated.ts';
import { exponential } from './exponential.ts';
import { fibonacci } from './fibonacci.ts';
import { linear } from './linear.ts';
import { sequence } from './sequence.ts';

type Kind = BackoffSpec['kind'];

const optionsOfKind: Readonly<Record<Kind, readonly string[]>> = {
  fixed: ['initialDelay', 'jitter'],
  linear: ['initialDelay', 'increment', 'maxDelay', 'jitter'],
  exponential: ['initialDelay', 'factor', 'maxDelay', 'jitter'],
  fibonacci: ['initialDelay', 'maxDelay', 'jitter'],
  sequence: ['delays', 'jitter'],
  decorrelated: ['initialDelay', 'maxDelay'],
};

/**
 * Makes a backoff of its description, as `describe()` gives it or a user wrote it. Meant for data that comes from outside:
 * everything is checked, and an option the kind does not have is refused rather than ignored.
 *
 * @throws {TypeError} when the kind is unknown, an option does not belong to it, or a value cannot be read.
 * @throws {RangeError} when a value is out of its range.
 * @example
 * backoffFrom({ kind: 'exponential', initialDelay: '1s', jitter: 'none' }).delayMs(2) // => 2000
 */
export function backoffFrom(spec: BackoffSpec): DescribedBackoff {
  checkOptions(spec);
  switch (spec.kind) {
    case 'fixed':
      return constant(spec.initialDelay, spec);
    case 'linear':
      return linear(spec);
    case 'exponential':
      return exponential(spec);
    case 'fibonacci':
      return fibonacci(spec);
    case 'sequence':
      return sequence(spec.delays, spec);
    case 'decorrelated':
      return decorrelated(spec);
    default:
      throw unknownKind(spec satisfies never);
  }
}

function checkOptions(spec: unknown): void {
  if (typeof spec !== 'object' || spec === null) {
    throw new TypeError(`Expected backoff to be an object with a kind, got ${spec === null ? 'null' : typeof spec}`);
  }
  const { kind, ...options } = spec as { readonly kind?: unknown };
  if (typeof kind !== 'string' || !Object.hasOwn(optionsOfKind, kind)) throw unknownKind(spec);
  const known = optionsOfKind[kind as Kind];
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new TypeError(`Expected a backoff of kind "${kind}" to have only ${known.join(', ')}, got ${stranger}`);
  }
}

function unknownKind(spec: { readonly kind?: unknown }): TypeError {
  const kinds = Object.keys(optionsOfKind).map((kind) => `"${kind}"`);
  const shown = typeof spec.kind === 'string' ? JSON.stringify(spec.kind) : typeof spec.kind;
  return new TypeError(`Expected backoff.kind to be ${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}, got ${shown}`);
}
