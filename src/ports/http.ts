/** What HTTP requests are made with: the `fetch` of the Fetch standard, or anything of its shape. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * The `fetch` of the platform. It is looked up at each call, so that what instruments or replaces it later has effect.
 *
 * @example
 * systemFetch === globalThis.fetch // => false
 */
export const systemFetch: Fetch = (input, init) => fetch(input, init);

/** The page this code runs in, as far as requests depend on it. */
export interface Page {
  /** Requests to another origin are subject to CORS. */
  readonly origin: string;
  /** What relative URLs are relative to. */
  readonly base: string;
}

/**
 * The page this code runs in, or in whose worker; `undefined` where there is none, as on a server.
 *
 * @internal
 */
export function currentPage(): Page | undefined {
  const { location, document } = globalThis as {
    readonly location?: { readonly origin?: unknown; readonly href?: unknown };
    readonly document?: { readonly baseURI?: unknown };
  };
  const origin = location?.origin;
  const base = document?.baseURI ?? location?.href;
  // A page from a file has the origin "null", and everything is another origin to it.
  return typeof origin === 'string' && typeof base === 'string' ? { origin, base } : undefined;
}
