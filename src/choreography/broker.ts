import type { Duration } from '../time/duration.ts';

/** A message as a broker carries it. */
export interface BrokerMessage {
  readonly topic: string;
  /** Messages of one key keep their order. */
  readonly key: string;
  /** Tells doubles apart; a broker may use it to drop some, nobody may rely on that. */
  readonly id: string;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message in a consumer's hand. */
export interface Delivery {
  readonly message: BrokerMessage;
  /** How often this message has been given out, as far as the broker or this process knows; from 1. */
  readonly deliveries: number;
  /** Aborts when the consumer stops in a hurry, or has lost its right to the message. */
  readonly signal: AbortSignal;
}

/** What becomes of a delivered message. */
export type Verdict =
  /** It is dealt with and never comes back. */
  | { readonly verdict: 'done' }
  /** It comes back after `afterMs`; later ones of its key wait behind it, other keys go on. */
  | { readonly verdict: 'again'; readonly afterMs: number }
  /** It goes to the dead letters, with the reason; later ones of its key go on. */
  | { readonly verdict: 'dead'; readonly reason: string; readonly detail?: string };

/** Deals with one message. A rejection counts as `again`, after the broker's own pause. */
export type DeliveryHandler = (delivery: Delivery) => Promise<Verdict>;

/** What to consume, and how. */
export interface SubscribeOptions {
  readonly topic: string;
  /** Consumers of one group share its messages; each group sees all of them, from the first one that is kept. */
  readonly group: string;
  readonly handle: DeliveryHandler;
  /** How many messages are in hand at the same time, of different keys. Default 16. */
  readonly concurrency?: number;
  /** How many messages may be taken from the broker and not yet dealt with; beyond that it is asked for no more. Default 1,000. */
  readonly window?: number;
  /** Whether messages that are for one other group are given too: for who only watches. Default `false`. */
  readonly watching?: boolean;
  /** How long the consumer may hear nothing of the broker before it is taken for dead and built anew. Default `'30s'`. */
  readonly stallAfter?: Duration;
}

/** A consumer at work. */
export interface Subscription {
  /** `stopped` only after `close`; a consumer that lost its broker says so and comes back by itself. */
  readonly state: 'consuming' | 'reconnecting' | 'closed';
  /** How often the consumer was built anew since it began. */
  readonly restarts: number;
  /** Takes no more; resolves when what is in hand is dealt with and acknowledged. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Carries messages between services.
 *
 * An implementer keeps: `publish` resolves only when every message is durable, as durable as the broker is set up to be;
 * each group is given each message at least once, also after a crash of a consumer or of the broker; messages of one key
 * come in the order of their publication, one at a time, and one that is to come back holds back only its own key;
 * no more than `concurrency` are in hand and no more than `window` are taken; a dead letter is durable before its message
 * is given up; a consumer that hears nothing is built anew.
 */
export interface Broker {
  /** A word for errors and events: `kafka`. */
  readonly name: string;
  publish(messages: readonly BrokerMessage[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Ends all subscriptions, then lets go of the connection. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Where the dead letters of a topic are: a topic like any other.
 *
 * @example
 * deadLetterTopic('orders') // => 'orders.dlq'
 */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** A message with this header is for that group alone; all others pass over it. */
export const targetHeader: string = 'makegood-target';

/** Headers that a dead letter has beside its own. */
export const deadLetterHeaders: Readonly<
  Record<'group' | 'reason' | 'detail' | 'topic' | 'deliveries' | 'time', string>
> = Object.freeze({
  group: 'makegood-group',
  reason: 'makegood-reason',
  detail: 'makegood-detail',
  topic: 'makegood-topic',
  deliveries: 'makegood-deliveries',
  time: 'makegood-time',
});

/**
 * A message as its dead letter: the same key, id and value, with who gave it up and why.
 *
 * @param now wall-clock ms since 1970.
 * @internal
 */
export function deadLetterOf(
  { message, deliveries }: Pick<Delivery, 'message' | 'deliveries'>,
  { reason, detail = '' }: { readonly reason: string; readonly detail?: string },
  group: string,
  now: number,
): BrokerMessage {
  return {
    ...message,
    topic: deadLetterTopic(message.topic),
    headers: {
      ...message.headers,
      [deadLetterHeaders.group]: group,
      [deadLetterHeaders.reason]: reason,
      // Header values must be harmless everywhere: NATS ends one at a line break.
      [deadLetterHeaders.detail]: detail.replaceAll(/[\r\n]+/g, ' ').slice(0, 1000),
      [deadLetterHeaders.topic]: message.topic,
      [deadLetterHeaders.deliveries]: String(deliveries),
      [deadLetterHeaders.time]: new Date(now).toISOString(),
    },
  };
}

/**
 * The message that a dead letter was made of, for the group that gave it up: publish it, and it is tried again.
 *
 * @throws {TypeError} when it is no dead letter.
 * @example
 * const headers = { 'makegood-topic': 'orders', 'makegood-group': 'stock', 'makegood-reason': 'refused' };
 * redriven({ topic: 'orders.dlq', key: 'o-7', id: '1', value: '{}', headers }).topic // => 'orders'
 */
export function redriven(letter: BrokerMessage): BrokerMessage {
  const topic = letter.headers?.[deadLetterHeaders.topic];
  if (topic === undefined) throw new TypeError(`Expected a dead letter, got a message of topic "${letter.topic}"`);
  const own = new Set(Object.values(deadLetterHeaders));
  const headers = Object.entries(letter.headers ?? {}).filter(([name]) => !own.has(name));
  const group = letter.headers?.[deadLetterHeaders.group] ?? '';
  return { ...letter, topic, headers: { ...Object.fromEntries(headers), [targetHeader]: group } };
}
