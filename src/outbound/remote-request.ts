import { attemptHeader, deadlineHeader, formatDeadlineHeader, idempotencyKeyHeader } from '../http/makegood-headers.ts';
import type { ActionContext, CompensationContext } from '../saga/definition.ts';
import { toJsonValue } from '../saga/json-value.ts';
import { remainingMs } from '../time/deadline.ts';
import { MakegoodError } from '../errors.ts';
import type { RemoteCall, RemotePhase } from './remote-caller.ts';

/** Where a call goes. */
export interface RemoteTarget {
  /** An absolute URL, `http:` or `https:`, without user and password. */
  readonly url: string;
  /** Default `'POST'`. */
  readonly method?: RemoteMethod | undefined;
  /** Headers beside those of the saga and the step. Default none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The methods of calls to participants; each may have a body. */
export type RemoteMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const methods: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'] satisfies RemoteMethod[];

// RFC 9110 §5.6.2 "Tokens"; §5.5 "Field Values", without what Node would refuse to send.
const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const headerValuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;
const longestHeaders = 16 * 1024;

// What the protocol or the connection says itself.
const reservedPattern =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-.*|accept-encoding|idempotency-key|makegood-.*)$/i;

/**
 * Whether a header is the protocol's or the connection's own, so that nobody else may set it: `Host`, `Content-*`,
 * `Connection` and its like, `Idempotency-Key`, `Makegood-*`.
 *
 * @example
 * isReservedHeader('Makegood-Saga') // => true
 */
export function isReservedHeader(name: string): boolean {
  return reservedPattern.test(name);
}

/** Why a header cannot be sent; `undefined` when it can. */
function headerFault(name: string, value: unknown): string | undefined {
  if (!headerNamePattern.test(name)) return `Expected the name of a header, got ${JSON.stringify(name.slice(0, 80))}`;
  if (isReservedHeader(name)) return `Expected header "${name}" not to be given: it is set by the protocol`;
  if (typeof value !== 'string' || !headerValuePattern.test(value)) {
    return `Expected header "${name}" to be text of one line in Latin-1`;
  }
  return undefined;
}

/**
 * Checks a target, once, where it enters.
 *
 * @param what what it is, for the error: `'url of step "reserve"'`.
 * @throws {TypeError} for anything but an absolute http or https URL without credentials, a known method, plain headers.
 */
export function checkTarget(given: string | RemoteTarget, what: string): RemoteTarget {
  const { url, method = 'POST', headers = {} } = typeof given === 'string' ? { url: given } : (given ?? {});
  const parsed = typeof url === 'string' ? URL.parse(url) : null;
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    throw new TypeError(`Expected ${what} to be an absolute http or https URL, got ${JSON.stringify(url)}`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new TypeError(`Expected ${what} to have no user and password; put them into a header`);
  }
  if (!methods.includes(method)) {
    throw new TypeError(`Expected the method of ${what} to be one of ${methods.join(', ')}, got ${method}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    const fault = headerFault(name, value);
    if (fault !== undefined) throw new TypeError(`${fault} (${what})`);
  }
  return Object.freeze({ url: parsed.href, method, headers: Object.freeze({ ...headers }) });
}

/** The call cannot be put into a request: a header of the saga, or an input that is no JSON. */
function unsendable(message: string, cause?: unknown): MakegoodError {
  const error = new MakegoodError('MAKEGOOD_CALL_UNSENDABLE', message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { effect: 'none' as const });
}

/** Headers of the saga and the step, then the target's, then the protocol's; each name once, whatever its case. */
function headersOf(
  target: RemoteTarget,
  context: ActionContext<unknown, unknown, unknown>,
  phase: RemotePhase,
): Record<string, string> {
  const own = new Map<string, readonly [string, string]>();
  for (const [name, value] of [...Object.entries(context.headers), ...Object.entries(target.headers ?? {})]) {
    const fault = headerFault(name, value);
    if (fault !== undefined) throw unsendable(fault);
    own.set(name.toLowerCase(), [name, value]);
  }
  const given = Object.fromEntries(own.values());
  const bytes = Object.entries(given).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (bytes > longestHeaders) throw unsendable(`Expected headers of at most ${longestHeaders} bytes, got ${bytes}`);
  return {
    Accept: 'application/json, application/problem+json',
    ...given,
    'Content-Type': 'application/json',
    [idempotencyKeyHeader]: context.idempotencyKey,
    'Makegood-Saga': context.sagaId,
    'Makegood-Step': context.step,
    'Makegood-Phase': phase,
    [attemptHeader]: String(context.attempt),
    'Makegood-Epoch': String(context.epoch),
    [deadlineHeader]: formatDeadlineHeader(remainingMs(context.signal)) ?? '0',
  };
}

/** What the body of each phase says. */
function payloadOf(phase: RemotePhase, input: unknown, context: ActionContext<unknown, unknown, unknown>): unknown {
  if (phase === 'action') return input;
  if (phase === 'status') return { input };
  const { output } = context as CompensationContext;
  return output === undefined ? { input } : { input, output };
}

/**
 * The call of one attempt, complete.
 *
 * @param input makes the step's input; what it throws is taken for a call that cannot be sent.
 * @throws {MakegoodError} `MAKEGOOD_CALL_UNSENDABLE`, which says that nothing was done.
 */
export function remoteCallOf(
  target: RemoteTarget,
  phase: RemotePhase,
  context: ActionContext<unknown, unknown, unknown> & Pick<RemoteCall, 'isPoll'>,
  input: () => unknown,
): RemoteCall {
  const { sagaId, step, attempt, isPoll, epoch, idempotencyKey, signal } = context;
  const headers = headersOf(target, context, phase);
  let body: string;
  try {
    body = JSON.stringify(toJsonValue(payloadOf(phase, input(), context), `input of step "${step}"`));
  } catch (error) {
    throw unsendable(
      `the input of step "${step}" could not be made: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  return {
    url: target.url,
    method: target.method ?? 'POST',
    headers,
    body,
    sagaId,
    step,
    phase,
    attempt,
    isPoll,
    epoch,
    idempotencyKey,
    remainingMs: remainingMs(signal),
    signal,
  };
}
