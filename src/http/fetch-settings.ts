import { type RetryBudget, retryBudget } from '../guards/retry-budget.ts';
import { checkInteger, wrongType } from '../options.ts';
import type { Policy } from '../policy/policy.ts';
import { currentPage, type Fetch, systemFetch } from '../ports/http.ts';
import { uniqueId } from '../ports/random.ts';
import {
  arrangeGuards,
  type RetryLoopOptions,
  type RetrySettings,
  resolveRetrySettings,
} from '../retry/retry-settings.ts';
import { OriginMap } from './origin-map.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { repeatableMethods } from './repeatable.ts';

/** Options of `retryingFetch`. */
export interface RetryingFetchOptions extends Omit<RetryLoopOptions, 'guards'> {
  /** What sends the requests. Default the platform's `fetch`, looked up at each call. */
  readonly fetch?: Fetch | undefined;
  /** Methods that are retried without an `Idempotency-Key`. Default GET, HEAD, OPTIONS, TRACE and PUT. */
  readonly repeatableMethods?: readonly string[] | undefined;
  /**
   * Gives a key to each request of another method that has none, so that it is retried: `true` for a random one, or a
   * function that makes it. Only for servers that honour it. Default `false`.
   */
  readonly makeIdempotencyKey?:
    | boolean
    | ((request: { readonly method: string; readonly url: URL }) => string)
    | undefined;
  /** The allowance that retries are taken from; `false` for none. Default one `retryBudget()` for each origin. */
  readonly budget?: RetryBudget | false | undefined;
  /**
   * Policies around each attempt, the outermost first; a function is asked once for each origin, so that a failing host
   * opens no breaker but its own. Default none.
   */
  readonly guards?: readonly Policy[] | ((origin: string) => readonly Policy[]) | undefined;
  /** How many origins a budget and guards of their own are kept for, those used last. Default 1000. */
  readonly maxOrigins?: number | undefined;
  /**
   * How much of a body that is a stream, or a `Request`'s, is read ahead so that it can be sent again, in bytes. A longer
   * one is sent once. 0 for none. Default 64 KiB.
   */
  readonly maxResendBytes?: number | undefined;
  /**
   * Whether requests say `Makegood-Deadline` (remaining ms) and `Makegood-Attempt`. Default `true`, but in a page only to
   * its own origin: elsewhere each header costs a CORS preflight, which many servers refuse.
   */
  readonly sendHeaders?: boolean | undefined;
}

/** Defaults of `retryingFetch`, beside those of every retry. */
export const retryingFetchDefaults: {
  readonly [Name in 'repeatableMethods' | 'makeIdempotencyKey' | 'maxOrigins' | 'maxResendBytes']: NonNullable<
    RetryingFetchOptions[Name]
  >;
} = /* @__PURE__ */ Object.freeze({
  repeatableMethods,
  makeIdempotencyKey: false,
  maxOrigins: 1000,
  maxResendBytes: 64 * 1024,
});

/** What belongs to an origin alone. */
export type OriginPolicy = Pick<RetrySettings, 'guard' | 'budget'>;

/** The options of a retrying fetch, checked and complete. */
export interface FetchSettings {
  readonly retry: RetrySettings;
  readonly send: Fetch;
  readonly origins: OriginMap<OriginPolicy>;
  readonly repeatableMethods: readonly string[];
  readonly makeKey: ((request: OutgoingRequest) => string) | undefined;
  readonly maxResendBytes: number;
  sendsHeaders(url: URL): boolean;
}

/** Checks the options and fills in the defaults, once, where they enter. */
export function resolveFetchSettings(options: RetryingFetchOptions): FetchSettings {
  const { guards, budget, ...loop } = options;
  const { fetch: send = systemFetch, sendHeaders, name = 'fetch' } = options;
  const { repeatableMethods: methods, makeIdempotencyKey, maxOrigins, maxResendBytes } = checkedOwn(options);
  const perOrigin = typeof guards === 'function' ? guards : undefined;
  const retry = resolveRetrySettings(
    { ...loop, name, guards: typeof guards === 'function' ? [] : guards },
    budget === false ? undefined : budget,
  );
  const origins = new OriginMap<OriginPolicy>(maxOrigins, (origin) => ({
    guard: perOrigin === undefined ? retry.guard : guardOf(perOrigin(origin)),
    budget: budget === undefined ? retryBudget({ clock: retry.clock }) : retry.budget,
  }));
  return {
    retry,
    send,
    origins,
    repeatableMethods: methods.map((method) => method.toUpperCase()),
    makeKey: makeIdempotencyKey === true ? () => uniqueId() : makeIdempotencyKey || undefined,
    maxResendBytes,
    sendsHeaders: (url) => sendHeaders ?? [undefined, url.origin].includes(currentPage()?.origin),
  };
}

/** The options that no other retry has, checked and with their defaults. */
function checkedOwn(options: RetryingFetchOptions): typeof retryingFetchDefaults {
  const own = { ...retryingFetchDefaults, ...definedOf(options) };
  const { repeatableMethods: methods, makeIdempotencyKey, maxOrigins, maxResendBytes } = own;
  checkKind('fetch', options.fetch, ['function', 'undefined'], 'a function');
  checkKind('sendHeaders', options.sendHeaders, ['boolean', 'undefined'], 'true or false');
  checkKind('makeIdempotencyKey', makeIdempotencyKey, ['boolean', 'function'], 'true, false or a function');
  if (!Array.isArray(methods) || methods.some((method) => typeof method !== 'string')) {
    throw new TypeError(`Expected repeatableMethods to be a list of names, got ${JSON.stringify(methods)}`);
  }
  checkInteger('maxOrigins', maxOrigins, 1);
  checkInteger('maxResendBytes', maxResendBytes, 0);
  return own;
}

/** An option given as `undefined` is one not given. */
function definedOf(options: RetryingFetchOptions): Partial<typeof retryingFetchDefaults> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function guardOf(guards: readonly Policy[]): RetrySettings['guard'] {
  const { admission, guard } = arrangeGuards(guards);
  return admission === undefined ? guard : (fn, options) => admission.execute(fn, options);
}

function checkKind(option: string, value: unknown, kinds: readonly string[], expectation: string): void {
  if (!kinds.includes(typeof value)) throw wrongType(option, expectation, value);
}
