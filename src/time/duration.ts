import { outOfRange, unreadable } from '../options.ts';

/** A span of time: a number of milliseconds, or text with a unit such as `'250ms'`, `'2s'`, `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const durationPattern = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)$/;

/**
 * Turns a duration into milliseconds and checks it. Called once, where a duration enters.
 *
 * @param duration a number of milliseconds, 0 or more, or text such as `'2s'`.
 * @param name the option it was given for; the error names it. Default `'duration'`.
 * @param options.allowInfinity accept `Infinity` (no limit). Default `false`.
 * @returns milliseconds, finite and 0 or more (or `Infinity` where allowed).
 * @throws {TypeError} when it is neither a number nor text with a unit.
 * @throws {RangeError} when it is negative, NaN, or infinite where a limit is needed.
 * @example
 * toMs('1.5s') // => 1500
 */
export function toMs(
  duration: Duration,
  name: string = 'duration',
  options: { readonly allowInfinity?: boolean } = {},
): number {
  if (typeof duration === 'number') {
    if (duration >= 0 && (duration !== Infinity || options.allowInfinity === true)) return duration;
    throw outOfRange(name, `${options.allowInfinity ? '' : 'finite and '}0 ms or more`, duration);
  }
  const match = typeof duration === 'string' ? durationPattern.exec(duration) : null;
  if (match === null)
    throw unreadable(name, 'milliseconds or text such as "250ms", "2s", "5m", "1h" or "1d"', duration);
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** {@link toMs} for what cannot do with no time at all. */
export function toPositiveMs(duration: Duration, name: string): number {
  const ms = toMs(duration, name);
  if (ms > 0) return ms;
  throw outOfRange(name, 'more than 0 ms', ms);
}
