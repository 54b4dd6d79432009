import { createServer } from 'node:http';
import { context, propagation, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { traceHeaders, tracingFetch, withTraceFrom } from '../../../src/adapters/opentelemetry/index.ts';
import { constant } from '../../../src/backoff/index.ts';
import { retryingFetch } from '../../../src/http/index.ts';
import { compose, type Policy } from '../../../src/policy/index.ts';
import { retry } from '../../../src/retry/index.ts';
import { sdkWorld } from './sdk-world.ts';

/** A server that is busy twice, and what it received. */
async function busyServer(): Promise<{ url: string; received: string[]; close: () => void }> {
  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(['x-own', 'traceparent'].map((name) => String(request.headers[name])).join(' '));
    response.writeHead(received.length < 3 ? 503 : 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  return { url, received, close: () => server.close() };
}

test('each attempt over HTTP carries the span of that attempt, and keeps the headers it had', async () => {
  const { url, received, close } = await busyServer();
  const { telemetry, named } = sdkWorld();
  const send = tracingFetch(fetch);
  await retry(
    async ({ signal, number }) => {
      const init = { signal, headers: { 'x-own': 'yes' } };
      const response = await (number === 1 ? send(new Request(url, init)) : send(url, init));
      await response.arrayBuffer();
      if (!response.ok) throw Object.assign(new Error('busy'), { status: response.status });
    },
    telemetry.retry({ name: 'page', backoff: constant(0) }),
  );
  close();
  const attempts = named('page attempt').map((span) => span.spanContext());
  expect(received).toEqual(attempts.map(({ traceId, spanId }) => `yes 00-${traceId}-${spanId}-01`));
});

test('a retrying fetch sends the span of each attempt, also with guards of each origin', async () => {
  const { url, received, close } = await busyServer();
  const { telemetry, named } = sdkWorld();
  const origins: string[] = [];
  const guards = (origin: string): readonly Policy[] => {
    origins.push(origin);
    return [compose()];
  };
  const get = retryingFetch(
    telemetry.retry({ name: 'page', backoff: constant(0), guards, fetch: tracingFetch(), budget: false }),
  );
  const response = await get(url, { headers: { 'x-own': 'yes' } });
  await response.arrayBuffer();
  close();
  expect(response.status).toBe(200);
  expect(origins).toEqual([new URL(url).origin]);
  const attempts = named('page attempt').map((span) => span.spanContext());
  expect(attempts).toHaveLength(3);
  expect(received).toEqual(attempts.map(({ traceId, spanId }) => `yes 00-${traceId}-${spanId}-01`));
  expect(named('page attempt')[0]?.attributes).toMatchObject({ 'error.type': '503' });
});

test('a message carries the trace and its baggage from sender to receiver', () => {
  const { tracer, named } = sdkWorld();
  const sender = tracer.startSpan('send');
  const baggage = propagation.createBaggage({ tenant: { value: 'a' } });
  const active = propagation.setBaggage(trace.setSpan(context.active(), sender), baggage);
  const message = context.with(active, () => traceHeaders({ kind: 'order.placed' }));
  expect(message).toMatchObject({ kind: 'order.placed', baggage: 'tenant=a' });
  const tenant = withTraceFrom(message, () => {
    tracer.startSpan('receive').end();
    return propagation.getActiveBaggage()?.getEntry('tenant')?.value;
  });
  expect(tenant).toBe('a');
  expect(named('receive')[0]?.parentSpanContext?.spanId).toBe(sender.spanContext().spanId);
});

test('a message without a trace, or with a damaged one, is received all the same', () => {
  for (const headers of [{}, { traceparent: '00-xyz' }, { traceparent: undefined }]) {
    expect(withTraceFrom(headers, () => trace.getActiveSpan())).toBeUndefined();
  }
});
