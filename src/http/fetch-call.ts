import type { Attempt } from '../policy/attempt.ts';
import { abortableSignalOf } from '../policy/call.ts';
import { notify } from '../ports/notify.ts';
import { attachDeadline, deadlineOf } from '../time/deadline.ts';
import { RetryCall } from '../retry/retry-call.ts';
import { handOnReport } from '../retry/retry-report.ts';
import { checkSignal, type RetrySettings } from '../retry/retry-settings.ts';
import type { FetchSettings } from './fetch-settings.ts';
import { HttpStatusError } from './http-status-error.ts';
import { letGo } from './let-go.ts';
import { attemptHeader, deadlineHeader, formatDeadlineHeader, idempotencyKeyHeader } from './makegood-headers.ts';
import { isStream, OutgoingBody } from './outgoing-body.ts';
import { giveKey, type OutgoingRequest } from './outgoing-request.ts';
import { isRepeatable } from './repeatable.ts';

/**
 * One call of a retrying fetch: {@link RetryCall} around the attempts. Inside, an answer that counts as a failure is an
 * error, so that retry, breaker and budget judge it as they judge every other; at the end it is an answer again.
 */
export class FetchCall {
  private readonly settings: FetchSettings;
  private readonly request: OutgoingRequest;
  private readonly body: OutgoingBody;
  private readonly repeatable: boolean;
  /** The answer of the last attempt, if it failed by one, as long as it may still be what the call ends with. */
  private failed: Response | undefined = undefined;
  private endDrain: () => void = nothingToDrain;

  constructor(settings: FetchSettings, request: OutgoingRequest) {
    const { method, headers } = request;
    checkSignal(request.signal);
    this.settings = settings;
    this.request = request;
    const methods = settings.repeatableMethods;
    if (settings.makeKey !== undefined && !methods.includes(method)) giveKey(request, settings.makeKey);
    this.repeatable = isRepeatable(method, headers.get(idempotencyKeyHeader), methods);
    this.body = new OutgoingBody(request.body, this.repeatable, settings.maxResendBytes);
  }

  async run(): Promise<Response> {
    try {
      const answer = await this.retried();
      if (answer === this.failed) this.failed = undefined;
      return answer;
    } finally {
      this.endDrain();
      // The time was up, or a guard put something else in its place.
      if (this.failed !== undefined) letGo(this.failed, 0);
    }
  }

  private async retried(): Promise<Response> {
    const { retry, origins } = this.settings;
    const { observer, clock } = retry;
    const settings: RetrySettings = {
      ...retry,
      ...origins.get(this.request.url.origin),
      rules: { ...retry.rules, retryable: (error) => this.mayRetry(error) },
      observer: (event) => {
        if (event.type === 'retry.scheduled') this.abandon();
        notify(observer, event);
      },
    };
    const call = new RetryCall(settings, (attempt) => this.attempt(attempt), this.request.signal, clock.monotonicMs());
    try {
      return await call.begin();
    } catch (error) {
      return answerOf(error);
    }
  }

  private async attempt(attempt: Attempt): Promise<Response> {
    const { method, url } = this.request;
    // A signal that can never abort would cost a request more than all the rest of this.
    const signal = abortableSignalOf(attempt);
    const response = await this.send(attempt, signal);
    if (signal?.aborted === true) {
      // The call went on without this answer, which a fetch that does not heed its signal brings all the same.
      letGo(response, 0);
      throw signal.reason;
    }
    // Redirects that were not followed are answers, and so are opaque ones, whose status is 0.
    if (response.status < 400) return response;
    const error = new HttpStatusError(method, url.href, response);
    if (!this.isFailure(error)) return response;
    this.failed = response;
    throw error;
  }

  private async send(attempt: Attempt, attemptSignal: AbortSignal | undefined): Promise<Response> {
    const { target, init } = this.request;
    const { send } = this.settings;
    const headers = this.headersOf(attempt);
    const signal = joined(this.request.signal, attemptSignal);
    const body = await this.body.next(signal);
    const carrying = body === undefined ? {} : { body, ...(isStream(body) && { duplex: 'half' as const }) };
    return await send(target, { ...init, ...carrying, headers, signal: signal ?? null });
  }

  private headersOf({ number, remainingMs }: Attempt): Headers {
    const headers = new Headers(this.request.headers);
    if (!this.settings.sendsHeaders(this.request.url)) return headers;
    headers.set(attemptHeader, String(number));
    const deadline = formatDeadlineHeader(remainingMs);
    if (deadline !== undefined) headers.set(deadlineHeader, deadline);
    return headers;
  }

  private mayRetry(error: unknown): boolean {
    return this.repeatable && this.body.isResendable && this.settings.retry.rules.retryable(error);
  }

  /** Whether an answer counts as a failed attempt, also where no other may follow: a breaker wants to know. */
  private isFailure(error: HttpStatusError): boolean {
    try {
      return this.settings.retry.rules.retryable(error);
    } catch {
      // The retry asks once more, and reports what the predicate throws.
      return true;
    }
  }

  /** Lets go of the last answer, since another attempt follows. */
  private abandon(): void {
    this.endDrain();
    this.endDrain = this.failed === undefined ? nothingToDrain : letGo(this.failed);
    this.failed = undefined;
  }
}

/**
 * The caller's signal beside the attempt's, which lets go of it when the answer is there: the body that is still to come
 * is the caller's to abort.
 */
function joined(caller: AbortSignal | undefined, attempt: AbortSignal | undefined): AbortSignal | undefined {
  if (caller === undefined || attempt === undefined || caller === attempt) return attempt ?? caller;
  // The platform's own, since it is held weakly: a signal that lives as long as the program would keep every call.
  const signal = AbortSignal.any([caller, attempt]);
  const deadline = deadlineOf(attempt);
  if (deadline !== undefined) attachDeadline(signal, deadline);
  return signal;
}

/** The answer a failed call ends with, its report filed beside it; throws what is no answer. */
function answerOf(error: unknown): Response {
  if (!(error instanceof HttpStatusError)) throw error;
  handOnReport(error, error.response);
  return error.response;
}

function nothingToDrain(): void {
  // No answer was given up yet.
}
