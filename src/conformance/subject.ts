import type { Clock } from '../ports/clock.ts';
import type { Fetch } from '../ports/http.ts';
import { retryAfterMs } from '../retry/retry-after.ts';
import { remainingMs, withDeadline } from '../time/deadline.ts';
import { sleepMs } from '../time/sleep.ts';
import { type Answer, causeOf, isLater, shown } from './answer.ts';
import { Mismatch } from './mismatch.ts';
import { readEffects, type Effects } from './effects.ts';

/** Which call to make; what is left out is as a coordinator would send it the first time. */
export interface SubjectCall {
  readonly saga: string;
  readonly phase: 'action' | 'compensation' | 'status';
  readonly step?: string;
  readonly attempt?: number;
  readonly epoch?: number;
  readonly deadlineMs?: number;
  /** Instead of the input, or of `{ input }`, that the phase asks for. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** The input of the business, instead of the accepted one. */
  readonly input?: unknown;
  /** Beyond the protocol's, or instead of them; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly method?: string;
  /** Hangs up. */
  readonly signal?: AbortSignal;
}

/** Where a participant is, what its business takes, and how to talk to it. */
export interface SubjectSettings {
  readonly urls: { readonly [Phase in SubjectCall['phase']]: string };
  readonly effectsUrl: string | undefined;
  readonly step: string;
  readonly input: unknown;
  readonly refusedInput: unknown;
  readonly timeoutMs: number;
  readonly restart: (() => Promise<void>) | undefined;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Makes the sagas of this run unlike those of any other. */
  readonly runId: string;
}

const exchangesKept = 12;
// A participant that says "later" for longer than this will not get there.
const patienceMs = 15_000;
const longestPauseMs = 2000;

/** The participant under test, as a check sees it. */
export class Subject {
  readonly settings: SubjectSettings;
  /** What was said last, a line each; for the report of a check that fails. */
  readonly exchanges: string[] = [];
  private sagas = 0;

  constructor(settings: SubjectSettings) {
    this.settings = settings;
  }

  /** A saga that nobody has heard of. */
  newSaga(): string {
    return `conformance-${this.settings.runId}-${++this.sagas}`;
  }

  /** Makes one call, and gives whatever is answered. */
  async send(call: SubjectCall): Promise<Answer> {
    const { fetch, clock, urls, timeoutMs } = this.settings;
    const said = `${call.method ?? ''} ${call.phase} ${call.saga}/${call.step ?? this.settings.step} attempt ${call.attempt ?? 1} epoch ${call.epoch ?? 1}`;
    using signal = withDeadline(call.signal ?? this.settings.signal, timeoutMs, { clock });
    const method = call.method ?? 'POST';
    try {
      const response = await fetch(urls[call.phase], {
        method,
        headers: this.headersOf(call),
        ...(method === 'GET' ? {} : { body: this.bodyOf(call) }),
        redirect: 'manual',
        signal,
      });
      const answer = { status: response.status, headers: response.headers, text: await response.text() };
      this.note(`${said} → ${shown(answer)}`);
      return answer;
    } catch (error) {
      this.settings.signal?.throwIfAborted();
      const late = remainingMs(signal) === 0;
      const why = late ? `none within ${timeoutMs} ms` : `none: ${causeOf(error)}`;
      this.note(`${said} → ${why}`);
      throw new Mismatch(`Expected an answer to the ${call.phase} of ${call.saga}, got ${why}`, { cause: error });
    }
  }

  /** Makes a call until it is answered with something else than "ask again", as a coordinator would. */
  async settle(call: SubjectCall): Promise<Answer> {
    const { clock, signal } = this.settings;
    const untilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      const answer = await this.send(call);
      if (!isLater(answer)) return answer;
      if (clock.monotonicMs() > untilMs) {
        throw new Mismatch(`Expected the ${call.phase} to be settled within ${patienceMs} ms, got ${shown(answer)}`);
      }
      await sleepMs(Math.min(longestPauseMs, retryAfterMs(answer, clock.now()) ?? 1000), clock, signal);
    }
  }

  /** Counts the effects of a step and compares; without a way to count them nothing is said. */
  async expectEffects(saga: string, wanted: Effects, step: string = this.settings.step): Promise<void> {
    const { effectsUrl } = this.settings;
    if (effectsUrl === undefined) return;
    const seen = await readEffects(effectsUrl, { saga, step }, this.settings);
    this.note(`effects of ${saga}/${step} → applied ${seen.applied}, undone ${seen.undone}`);
    if (seen.applied === wanted.applied && seen.undone === wanted.undone) return;
    throw new Mismatch(
      `Expected the effects of ${saga}/${step} to be applied ${wanted.applied}, undone ${wanted.undone}; ` +
        `got applied ${seen.applied}, undone ${seen.undone}`,
    );
  }

  /** Kills the participant, starts it again, and waits until it answers. */
  async restart(): Promise<void> {
    const { restart, clock, signal } = this.settings;
    if (restart === undefined) throw new TypeError('Expected restart to be given, got undefined');
    this.note('restart');
    await restart();
    const untilMs = clock.monotonicMs() + 2 * patienceMs;
    for (;;) {
      try {
        return void (await this.send({ saga: this.newSaga(), phase: 'action', method: 'GET' }));
      } catch (error) {
        if (!(error instanceof Mismatch) || clock.monotonicMs() > untilMs) throw error;
      }
      await sleepMs(50, clock, signal);
    }
  }

  private headersOf(call: SubjectCall): Headers {
    const { saga, phase, step = this.settings.step, attempt = 1, epoch = 1, deadlineMs = 10_000 } = call;
    const headers = new Headers({
      'Content-Type': 'application/json',
      'Idempotency-Key': `${saga}/${step}/${phase === 'compensation' ? 'compensation' : 'action'}`,
      'Makegood-Saga': saga,
      'Makegood-Step': step,
      'Makegood-Phase': phase,
      'Makegood-Attempt': String(attempt),
      'Makegood-Epoch': String(epoch),
      'Makegood-Deadline': String(deadlineMs),
    });
    for (const [name, value] of Object.entries(call.headers ?? {})) {
      if (value === undefined) headers.delete(name);
      else headers.set(name, value);
    }
    return headers;
  }

  private bodyOf({ saga, phase, body, input = this.settings.input }: SubjectCall): string | Uint8Array<ArrayBuffer> {
    if (body !== undefined) return body;
    const text = JSON.stringify(phase === 'action' ? input : { input });
    return text.replaceAll('$saga', saga);
  }

  private note(line: string): void {
    this.exchanges.push(line.trim());
    if (this.exchanges.length > exchangesKept) this.exchanges.shift();
  }
}
