/**
 * Tells a webhook of what waits for a person: signed, at least once, and never in the way of a saga.
 *
 *   raised ──► waiting ──► being sent ──► told
 *                 ▲             ├──(failed)──► sent again, by a retry policy
 *                 └─────────────┴──(gave up, or no room)──► told to the observer; raised again after `realertAfter`
 *
 * An item that stands is raised again by its coordinator after every restart and every `realertAfter`, so what is lost here,
 * with the process or for want of room, is not lost for good.
 */
import { exponential } from '../backoff/exponential.ts';
import type { RemoteAnswer, RemoteCaller } from '../outbound/remote-caller.ts';
import type { SignWebhook } from '../outbound/webhook-signer.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { retry } from '../retry/retry.ts';
import { retryReport } from '../retry/retry-report.ts';
import type { SagaEvent } from '../tempo/events.ts';
import type { ServerEvent } from '../wire/server-event.ts';
import { attentionView, wireTime } from '../wire/views.ts';

/** Options of {@link attentionWebhook}. */
export interface AttentionWebhookOptions {
  /** What is told, by `POST`. */
  readonly url: string;
  /** Makes the calls, and keeps to an egress policy: `nodeCaller`. */
  readonly caller: RemoteCaller;
  /** Signs them: `webhookSignature(secret)` of `makegood/adapters/node`. */
  readonly sign: SignWebhook;
  /** How many items may wait to be sent; of more, those that have waited longest are let go. Default 1,000. */
  readonly maxQueue?: number;
  /** How many are sent at a time. Default 4. */
  readonly concurrency?: number;
  /** How often one is sent before it is given up until it is raised again. Default 10, over about 17 minutes. */
  readonly maxAttempts?: number;
  /** Told of what was given up or let go. */
  readonly observer?: Observer<ServerEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** The defaults of {@link attentionWebhook}. */
export const attentionWebhookDefaults: Readonly<
  Required<Pick<AttentionWebhookOptions, 'maxQueue' | 'concurrency' | 'maxAttempts'>>
> = Object.freeze({ maxQueue: 1000, concurrency: 4, maxAttempts: 10 });

/** A webhook that is told of what waits for a person. */
export interface AttentionWebhook extends AsyncDisposable {
  /** To be given to the coordinator or the server; hears of items and never waits. */
  readonly observer: Observer<SagaEvent | ServerEvent>;
  /** Ends what is being sent; what waits is raised again at the next start. Safe to call twice. */
  close(): Promise<void>;
}

type Raised = Extract<SagaEvent, { readonly type: 'attention.raised' }>;

/** One item that is to be told; what it is called stays the same each time it is raised. */
interface Message {
  readonly id: string;
  readonly raised: Raised;
}

const attemptMs = 10_000;
const longestWaitMs = 300_000;

class WebhookAnswerError extends Error {
  readonly headers: Readonly<Record<string, string>>;

  constructor(answer: RemoteAnswer) {
    super(answer.kind === 'answered' ? `it answered ${answer.status}` : `it could not be reached: ${answer.kind}`, {
      cause: 'error' in answer ? answer.error : undefined,
    });
    this.headers = answer.kind === 'answered' ? answer.headers : {};
  }
}

class Webhook implements AttentionWebhook {
  readonly observer: AttentionWebhook['observer'];
  private readonly options: Required<Omit<AttentionWebhookOptions, 'observer'>>;
  private readonly told: Observer<ServerEvent> | undefined;
  private readonly waiting = new Map<string, Message>();
  private readonly sending = new Map<string, Promise<void>>();
  private readonly ending = new AbortController();

  constructor({ observer, ...options }: AttentionWebhookOptions) {
    this.options = { ...attentionWebhookDefaults, clock: systemClock, ...options };
    for (const name of ['maxQueue', 'concurrency', 'maxAttempts'] as const) {
      const value = this.options[name];
      if (!Number.isInteger(value) || value < 1)
        throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${String(value)}`);
    }
    options.caller.check(options.url);
    this.told = observer;
    this.observer = (event) => {
      if (event.type === 'attention.raised') this.hear(event);
    };
  }

  private hear(raised: Raised): void {
    const { sagaId, step, generation } = raised.item;
    if (this.ending.signal.aborted) return;
    const id = `${sagaId}/${step ?? ''}/${generation}`;
    // Raised again while it is being sent, it says nothing new.
    if (this.sending.has(id)) return;
    this.waiting.delete(id);
    this.waiting.set(id, { id, raised });
    const [oldest] = this.waiting.values();
    if (this.waiting.size > this.options.maxQueue && oldest !== undefined) {
      this.waiting.delete(oldest.id);
      this.lose(oldest, 0, new Error(`${this.options.maxQueue} others wait already`));
    }
    this.pump();
  }

  private pump(): void {
    while (this.sending.size < this.options.concurrency) {
      const [next] = this.waiting.values();
      if (next === undefined || this.ending.signal.aborted) return;
      this.waiting.delete(next.id);
      const sent = this.send(next).finally(() => {
        this.sending.delete(next.id);
        this.pump();
      });
      this.sending.set(next.id, sent);
    }
  }

  /** Never rejects. */
  private async send(message: Message): Promise<void> {
    const { maxAttempts, clock } = this.options;
    const { signal } = this.ending;
    try {
      await retry((attempt) => this.sendOnce(message, attempt.number, attempt.signal), {
        maxAttempts,
        clock,
        signal,
        attemptTimeout: attemptMs,
        backoff: exponential({ initialDelay: '1s', factor: 2, maxDelay: longestWaitMs, jitter: 'equal' }),
        retryable: () => true,
      });
    } catch (error) {
      if (!signal.aborted) this.lose(message, retryReport(error)?.attempts ?? maxAttempts, error);
    }
  }

  private async sendOnce({ id, raised }: Message, attempt: number, signal: AbortSignal): Promise<void> {
    const { url, caller, sign, clock } = this.options;
    const { item, repeated } = raised;
    const now = clock.now();
    const data = { ...attentionView(item), repeated };
    const body = JSON.stringify({ type: 'attention.raised', timestamp: wireTime(now), data });
    const timestamp = Math.floor(now / 1000);
    // Signed anew each time: a receiver refuses an old stamp, which might be somebody's who recorded it.
    const headers = {
      'Content-Type': 'application/json',
      'Webhook-Id': id,
      'Webhook-Timestamp': String(timestamp),
      'Webhook-Signature': sign({ id, timestamp, body }),
    };
    const { sagaId, step } = item;
    const facts = { sagaId, step: step ?? '', phase: 'action', attempt, isPoll: false, epoch: 0 } as const;
    const call = { url, method: 'POST', headers, body, ...facts, idempotencyKey: id, remainingMs: attemptMs, signal };
    const answer = await caller.call(call);
    if (answer.kind !== 'answered' || answer.status < 200 || answer.status > 299) throw new WebhookAnswerError(answer);
  }

  private lose({ raised }: Message, attempts: number, error: unknown): void {
    const { sagaId, step } = raised.item;
    notify(this.told, { type: 'webhook.failed', sagaId, step, attempts, error });
  }

  async close(): Promise<void> {
    this.ending.abort(new Error('the server is closing'));
    this.waiting.clear();
    await Promise.all(this.sending.values());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Tells a webhook of everything that waits for a person, and again as long as it does: `POST` with
 * `{ type: 'attention.raised', timestamp, data: item }`, signed as the Standard Webhooks specification has it. Anything but
 * 2xx is tried again. `Webhook-Id` is the same whenever an item is told again; a receiver that counts knows it by that.
 *
 * @param options.url where to; checked by the caller's egress policy now, and for the addresses at each call.
 * @throws {RangeError} when an option is out of its bounds.
 * @throws {EgressError} when the URL is none that may be called.
 * @example
 * const caller = remoteParticipants({ 'http://pager/': () => new Response(null, { status: 204 }) });
 * await using webhook = attentionWebhook({ url: 'http://pager/', caller, sign: () => 'v1,none' });
 * await using tempo = await openTempo({ journal: memoryJournal(), sagas: [], observer: webhook.observer });
 * caller.calls.length // => 0
 */
export function attentionWebhook(options: AttentionWebhookOptions): AttentionWebhook {
  return new Webhook(options);
}
