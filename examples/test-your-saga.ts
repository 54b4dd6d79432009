// A saga with hours of backoff, tested in milliseconds: Tempo takes the test's clock.

import assert from 'node:assert/strict';
import { constant } from 'makegood/backoff';
import { memoryJournal } from 'makegood/journal';
import { saga } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';
import { testClock } from 'makegood/testing';

const clock = testClock();
let calls = 0;
const patient = saga('patient')
  .input<null>()
  .step('ask', {
    run: () => {
      if (++calls < 3) throw Object.assign(new Error('maintenance'), { status: 503 });
      return 'answered';
    },
    readOnly: true,
    retry: { maxAttempts: 3, backoff: constant('1h') },
  })
  .output(({ results }) => results.ask);

await using tempo = await openTempo({ journal: memoryJournal(), sagas: [patient], clock });
const run = await tempo.start(patient, { input: null });
await clock.advance(2 * 3_600_000);
assert.equal(await run.result(), 'answered');
assert.equal(clock.pendingTimers, 0);
