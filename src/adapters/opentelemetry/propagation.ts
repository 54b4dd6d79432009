import { context, propagation } from '@opentelemetry/api';
import { type Fetch, systemFetch } from '../../ports/http.ts';

/**
 * The headers with the active trace in them: `traceparent`, `tracestate` and `baggage`, or what the registered propagator
 * writes. For anything that carries text by name: a request, a message, the `headers` of a saga.
 *
 * @param headers what else goes along; not changed.
 * @returns a new object.
 * @see W3C Trace Context, Recommendation, 2021.
 * @example
 * traceHeaders({ accept: 'text/plain' }) // => { accept: 'text/plain' }
 */
export function traceHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const carrier: Record<string, string> = { ...headers };
  propagation.inject(context.active(), carrier);
  return carrier;
}

/**
 * Runs `fn` as part of the trace that the headers carry: spans it begins are children of the sender's. Without a trace in
 * the headers it runs as it is.
 *
 * @param headers of a message or a request, names in lower case.
 * @returns what `fn` returned.
 * @example
 * withTraceFrom({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }, () => 'done') // => 'done'
 */
export function withTraceFrom<Result>(headers: Readonly<Record<string, string | undefined>>, fn: () => Result): Result {
  return context.with(propagation.extract(context.active(), headers), fn);
}

/**
 * Makes a `fetch` that sends the active trace along, for programs whose HTTP client nothing else instruments. Give it to
 * what retries, so that each attempt carries its own span: `retryingFetch({ fetch: tracingFetch() })`.
 *
 * @param fetch what sends. Default the platform's.
 * @example
 * const sent = [];
 * const send = tracingFetch(async (_url, init) => (sent.push([...new Headers(init?.headers).keys()]), new Response('ok')));
 * await (await send('http://localhost/')).text() // => 'ok'
 */
export function tracingFetch(fetch: Fetch = systemFetch): Fetch {
  return (input, init) => {
    // As fetch does: headers in the options replace those of the request.
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    propagation.inject(context.active(), headers, { set: (carrier, name, value) => carrier.set(name, value) });
    return fetch(input, { ...init, headers });
  };
}
