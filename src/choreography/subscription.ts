import { toMs } from '../time/duration.ts';
import { checkName } from '../saga/names.ts';
import type { SubscribeOptions } from './broker.ts';

/** The defaults of a subscription. */
export const subscribeDefaults: Required<Pick<SubscribeOptions, 'concurrency' | 'window' | 'watching' | 'stallAfter'>> =
  Object.freeze({ concurrency: 16, window: 1000, watching: false, stallAfter: '30s' });

/** {@link SubscribeOptions} checked and complete. */
export interface ResolvedSubscription extends Required<Omit<SubscribeOptions, 'stallAfter'>> {
  readonly stallAfterMs: number;
}

function checkCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${what} to be an integer ≥ 1, got ${String(value)}`);
}

/**
 * Checks the options of a subscription: for those who write a broker.
 *
 * @throws {TypeError | RangeError} naming the option.
 * @internal
 */
export function resolveSubscription(options: SubscribeOptions): ResolvedSubscription {
  const { concurrency, window, watching, stallAfter } = { ...subscribeDefaults, ...options };
  if (typeof options.handle !== 'function')
    throw new TypeError(`Expected handle to be a function, got ${typeof options.handle}`);
  return {
    topic: checkTopic(options.topic),
    group: checkName(options.group, 'group'),
    handle: options.handle,
    concurrency: checkCount(concurrency, 'concurrency'),
    window: checkCount(window, 'window'),
    watching,
    stallAfterMs: toMs(stallAfter, 'stallAfter'),
  };
}

/**
 * Checks a topic: it must be one everywhere, so it is what Kafka allows and NATS does not split.
 *
 * @throws {TypeError}
 * @internal
 */
export function checkTopic(topic: string): string {
  if (typeof topic === 'string' && /^[A-Za-z0-9_-]{1,200}(?:\.dlq)?$/.test(topic)) return topic;
  throw new TypeError(`Expected topic to be 1 to 200 of A-Z a-z 0-9 _ -, got ${JSON.stringify(topic)?.slice(0, 80)}`);
}
