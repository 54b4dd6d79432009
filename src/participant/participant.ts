import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { isMakegoodError } from '../errors.ts';
import { InProgressError } from '../idempotency/idempotency-errors.ts';
import { failureOf } from '../saga/failure.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { withDeadline } from '../time/deadline.ts';
import { joinSignals } from '../time/join-signals.ts';
import { barrier, type EffectStatus, problemReply } from './barrier.ts';
import type { BarrierReply } from './decide-barrier.ts';
import type { Barrier } from './memory-barrier.ts';
import { type CallHeaders, readCallHeaders, readJson, RefusedRequest } from './participant-request.ts';

/** What the functions of an action are handed. */
export interface ParticipantCall<Transaction> {
  /** The step's input, as JSON gave it; yours to check. */
  readonly input: unknown;
  /** For a compensation, what the action answered; `undefined` when nobody knows whether it took effect. */
  readonly output: unknown;
  /** The open transaction: write with it, and the barrier stands or falls with what you wrote. */
  readonly tx: Transaction;
  readonly saga: string;
  readonly step: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly epoch: number;
  /** Equal on every attempt; hand it on to whomever you call. */
  readonly idempotencyKey: string;
  /** Aborts when the caller has left or its time is up; the caller's deadline rides on it. */
  readonly signal: AbortSignal;
  readonly headers: Headers;
}

/** One action of a participant. What a function returns is the output, as JSON; `undefined` is none. */
export interface ParticipantAction<Transaction> {
  /** Does it. Throw a `TerminalError` to refuse for certain; anything else leaves the effect unknown to the caller. */
  readonly run: (call: ParticipantCall<Transaction>) => unknown;
  /** Undoes it; called only when the action was applied. Default: there is nothing to undo. */
  readonly compensate?: (call: ParticipantCall<Transaction>) => unknown;
  /**
   * Says whether it took effect, for an action whose effect may be outside the transaction: called by a status probe of a
   * step that has no row. What it says is kept in the same transaction, `none` as a tombstone; what it throws leaves the
   * effect unknown. Default: without a row there is no effect.
   */
  readonly status?: (call: ParticipantCall<Transaction>) => EffectStatus | Promise<EffectStatus>;
}

/** Options of {@link participant}. */
export interface ParticipantOptions<Transaction> {
  /** The actions by name: the last part of the request's path, or else the step's name. */
  readonly actions: Readonly<Record<string, ParticipantAction<Transaction>>>;
  /** Runs transactions with the barrier's rows in them: `postgresBarrier({ pool })`, for example. */
  readonly barrier: Barrier<Transaction>;
  /** The longest body that is read, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Is told what a function threw, when the caller is only told 500. Default nobody. */
  readonly onError?: (error: unknown, call: CallHeaders) => void;
  /** Default the system's clock. */
  readonly clock?: Clock;
}

function respond({ status, body }: BarrierReply, headers: Readonly<Record<string, string>> = {}): Response {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  return new Response(body === '' ? null : body, {
    status,
    headers: body === '' ? headers : { 'Content-Type': type, ...headers },
  });
}

/** An answer that promises that nothing was done, so that nothing needs to be undone. */
function withoutEffect(reply: BarrierReply, headers: Readonly<Record<string, string>> = {}): Response {
  return respond(reply, { 'Makegood-Effect': 'none', ...headers });
}

class Participant<Transaction> {
  private readonly options: ParticipantOptions<Transaction>;
  private readonly actions: ReadonlyMap<string, ParticipantAction<Transaction>>;
  private readonly maxBodyBytes: number;

  constructor(options: ParticipantOptions<Transaction>) {
    const { actions, maxBodyBytes = 1024 * 1024 } = options;
    this.options = options;
    this.actions = new Map(Object.entries(actions));
    this.maxBodyBytes = maxBodyBytes;
    if (this.actions.size === 0) throw new RangeError('Expected actions to have at least one, got none');
    if (!Number.isInteger(maxBodyBytes) || maxBodyBytes < 1) {
      throw new RangeError(`Expected maxBodyBytes to be an integer ≥ 1, got ${maxBodyBytes}`);
    }
  }

  async handle(request: Request): Promise<Response> {
    let call: CallHeaders;
    let action: ParticipantAction<Transaction>;
    let body: unknown;
    try {
      if (request.method !== 'POST') throw new RefusedRequest(405, 'method', `Expected POST, got ${request.method}`);
      call = readCallHeaders(request.headers);
      action = this.actionOf(request, call);
      if (call.deadlineMs === 0) throw new RefusedRequest(503, 'deadline', 'the caller’s time was up on arrival');
      body = await readJson(request, this.maxBodyBytes);
      if (call.phase !== 'action' && (typeof body !== 'object' || body === null || Array.isArray(body))) {
        throw new RefusedRequest(422, 'invalid', `Expected the body of a ${call.phase} to be a JSON object`);
      }
    } catch (error) {
      if (!(error instanceof RefusedRequest)) throw error;
      return withoutEffect(error.reply, error.reply.status === 405 ? { Allow: 'POST' } : {});
    }
    try {
      return respond(await this.inTransaction(request, call, action, body));
    } catch (error) {
      return this.failed(error, call);
    }
  }

  private actionOf(request: Request, { step }: CallHeaders): ParticipantAction<Transaction> {
    const lastPart = new URL(request.url).pathname.split('/').at(-1) ?? '';
    const action = this.actions.get(lastPart) ?? this.actions.get(step);
    if (action !== undefined) return action;
    throw new RefusedRequest(404, 'no-such-action', `there is no action for step "${step}" here`);
  }

  private async inTransaction(
    request: Request,
    call: CallHeaders,
    action: ParticipantAction<Transaction>,
    body: unknown,
  ): Promise<BarrierReply> {
    const { clock = systemClock } = this.options;
    const { saga, step, phase, attempt, epoch, idempotencyKey, deadlineMs } = call;
    using signal =
      deadlineMs === undefined ? joinSignals(request.signal) : withDeadline(request.signal, deadlineMs, { clock });
    // An action's body is its input; a compensation's says what it was given and what it answered.
    const { input, output } =
      phase === 'action'
        ? { input: body, output: undefined }
        : { input: undefined, output: undefined, ...(body as object) };
    // Awaited here: `using` lets go of the signal when this function ends.
    return await this.options.barrier.transaction(
      (tx, store) => {
        const { headers } = request;
        const given = { input, output, tx, saga, step, attempt, epoch, idempotencyKey, signal, headers };
        // Too late is worse than not at all: a caller that has given up may be undoing this already.
        const inTime = async <Value>(work: Value | Promise<Value>): Promise<Value> => {
          const value = await work;
          signal.throwIfAborted();
          return value;
        };
        const business = (): unknown => inTime(phase === 'action' ? action.run(given) : action.compensate?.(given));
        const { status } = action;
        return barrier(store, call, business, status === undefined ? {} : { status: () => inTime(status(given)) });
      },
      { signal },
    );
  }

  private failed(error: unknown, call: CallHeaders): Response {
    if (isMakegoodError(error, 'MAKEGOOD_IN_PROGRESS')) {
      const seconds = error instanceof InProgressError ? Math.ceil(error.retryAfterMs / 1000) : 1;
      const headers = { 'Retry-After': String(Math.max(1, seconds)) };
      // A probe asks what is known, and "not yet" is an answer to that; a call that was not begun is refused for now.
      if (call.phase === 'status') return respond({ status: 202, body: '' }, headers);
      return respond(problemReply(425, 'in-progress', error.message), headers);
    }
    if (isDefinite(error)) {
      const { code, message } = failureOf(error);
      return respond(problemReply(409, code, message));
    }
    this.options.onError?.(error, call);
    if (isMakegoodError(error, 'MAKEGOOD_DEADLINE_EXCEEDED')) {
      return respond(problemReply(503, 'deadline', 'the caller’s time was up'));
    }
    // What went wrong inside is not the caller's business and may hold secrets; the effect is unknown to it.
    return respond(problemReply(500, 'internal', 'the participant failed; the same call may be made again'));
  }
}

/**
 * Makes the HTTP side of a participant: a web-standard handler of the calls that a coordinator of makegood sends, in which
 * each action and compensation takes effect once and in the right order.
 *
 * It answers 200 or 204 when done, 409 when refused for certain, 425 (a status probe 202) while another copy of the call is at work, and 500 or
 * 503 when nobody can tell; what it refuses before it has done anything carries `Makegood-Effect: none`.
 *
 * @param options.actions what can be done, by name.
 * @param options.barrier runs transactions with the barrier's rows in them.
 * @returns a handler that never rejects for what a caller sends.
 * @throws {RangeError} when there is no action, or `maxBodyBytes` is not an integer ≥ 1.
 * @example
 * const handle = participant({ actions: { reserve: { run: ({ input }) => input } }, barrier: memoryBarrier() });
 * const headers = {
 *   'Content-Type': 'application/json', 'Idempotency-Key': 'order-1/reserve/action',
 *   'Makegood-Saga': 'order-1', 'Makegood-Step': 'reserve', 'Makegood-Phase': 'action',
 *   'Makegood-Attempt': '1', 'Makegood-Epoch': '1',
 * };
 * const answer = await handle(new Request('http://inventory/reserve', { method: 'POST', headers, body: '{"sku":"a"}' }));
 * await answer.json() // => { sku: 'a' }
 */
export function participant<Transaction>(
  options: ParticipantOptions<Transaction>,
): (request: Request) => Promise<Response> {
  const served = new Participant(options);
  return (request) => served.handle(request);
}
