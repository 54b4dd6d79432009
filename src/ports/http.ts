/** What HTTP requests are made with: the `fetch` of the Fetch standard, or anything of its shape. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * The `fetch` of the platform. It is looked up at each call, so that what instruments or replaces it later has effect.
 *
 * @example
 * systemFetch === globalThis.fetch // => false
 */
export const systemFetch: Fetch = (input, init) => fetch(input, init);

/**
 * The origin of the page this code runs in; `undefined` where there is no page, as on a server. A request to another
 * origin is subject to CORS there.
 *
 * @internal
 */
export function pageOrigin(): string | undefined {
  // A DOM is the sign of a page or its workers; the libraries of a server know no `location`.
  const { location } = globalThis as { readonly location?: { readonly origin?: unknown } };
  const origin = location?.origin;
  return typeof origin === 'string' && origin !== 'null' ? origin : undefined;
}
