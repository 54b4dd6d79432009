// #region retry
import { openTelemetry } from 'makegood/adapters/opentelemetry';
import { retryPolicy } from 'makegood/retry';

const telemetry = openTelemetry(); // of the SDK that the program has registered
const pages = retryPolicy(telemetry.retry({ name: 'page', maxAttempts: 3 }));
const page = await pages.execute(async ({ number }) => `page, attempt ${number}`);
console.log(page); // prints: page, attempt 1
// #endregion

// #region saga
import { traceHeaders } from 'makegood/adapters/opentelemetry';
import { memoryJournal } from 'makegood/journal';
import { saga } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';

const greet = telemetry.saga(
  saga('greet')
    .input<string>()
    .step('write', { run: ({ input }) => `Dear ${input}`, readOnly: true })
    .output(({ results }) => results.write),
);
const tempo = await openTempo({ journal: memoryJournal(), sagas: [greet], observer: telemetry.observer });
const run = await tempo.start(greet, { id: 'greet-1', input: 'Ada', headers: traceHeaders() });
console.log(await run.result()); // prints: Dear Ada
await tempo.close();
telemetry.close();
// #endregion

// #region propagation
import { tracingFetch, withTraceFrom } from 'makegood/adapters/opentelemetry';

const send = tracingFetch(fetch); // a fetch that sends `traceparent` along
const message = { headers: traceHeaders({ kind: 'order.placed' }), body: '…' };
const kind = withTraceFrom(message.headers, () => message.headers['kind']); // at the receiver
console.log(typeof send, kind); // prints: function order.placed
// #endregion
