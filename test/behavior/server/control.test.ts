import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../../src/journal/memory-journal.ts';
import { hang, ok, open, refuse, request, step, waits } from './bench.ts';

describe('cancel', () => {
  test('202 forward, shown as compensating at once; 200 the second time; undone when the call in flight has settled', async () => {
    await using bench = await open({ routes: { 'http://p/slow': hang, 'http://p/': ok } });
    const steps = [step('a'), { ...step('slow'), compensation: { url: 'http://p/undo' }, maxFlight: '10s' as const }];
    await bench.ask('POST', '/v1/sagas', request('s', steps));
    await bench.clock.advance(10);
    const first = await bench.ask('POST', '/v1/sagas/s/cancel', { reason: 'changed my mind' });
    expect(first).toMatchObject({
      status: 202,
      body: { status: 'compensating', reason: 'cancel', cancelReason: 'changed my mind' },
    });
    expect((await bench.ask('POST', '/v1/sagas/s/cancel')).status).toBe(200);
    expect(bench.calls()).toEqual(['action a 1', 'action slow 1']);
    await bench.clock.advance(15_000);
    expect(bench.calls().slice(2)).toEqual(['compensation slow 1', 'compensation a 1']);
    expect((await bench.ask('GET', '/v1/sagas/s/outcome')).body).toMatchObject({
      status: 'compensated',
      reason: 'cancel',
    });
    expect(await bench.ask('POST', '/v1/sagas/s/cancel')).toMatchObject({ status: 412, body: { code: 'saga-ended' } });
  });

  test('404 for a saga that is not there, whatever is asked of it', async () => {
    await using bench = await open();
    const paths = ['', '/history', '/outcome'].map((path) => ['GET', `/v1/sagas/none${path}`]);
    const verbs = ['/restart', '/cancel', '/terminate', '/signals/x', '/steps/a/retry', '/steps/a/skip', '/resolve'];
    for (const [method = '', path = ''] of [...paths, ...verbs.map((verb) => ['POST', `/v1/sagas/none${verb}`])]) {
      expect(await bench.ask(method, path)).toMatchObject({ status: 404, body: { code: 'saga-not-found' } });
    }
    expect((await bench.ask('GET', '/v1/events?saga=none')).status).toBe(404);
  });
});

describe('terminate', () => {
  test('202, nothing undone, a human item for the whole; resolve closes it, and twice is 412', async () => {
    await using bench = await open({ routes: { 'http://p/slow': hang, 'http://p/': ok } });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a'), step('slow')]));
    await bench.clock.advance(10);
    expect(await bench.ask('POST', '/v1/sagas/s/terminate', { reason: 'stuck' })).toMatchObject({
      status: 202,
      body: { status: 'terminated', reason: 'terminated', cancelReason: 'stuck' },
    });
    await bench.clock.advance(600_000);
    expect(bench.calls()).toEqual(['action a 1', 'action slow 1']);
    expect((await bench.ask('GET', '/v1/attention')).body.items).toMatchObject([
      { sagaId: 's', step: null, reason: 'terminated' },
    ]);
    expect((await bench.ask('POST', '/v1/sagas/s/steps/a/retry')).status).toBe(412);
    expect((await bench.ask('POST', '/v1/sagas/s/resolve', { note: 'by hand' })).status).toBe(202);
    expect((await bench.ask('GET', '/v1/attention')).body.items).toEqual([]);
    expect((await bench.ask('POST', '/v1/sagas/s/resolve')).status).toBe(412);
    expect((await bench.ask('POST', '/v1/sagas/s/terminate')).status).toBe(412);
    const { body } = await bench.ask('GET', '/v1/sagas/s/history');
    expect(body.items.at(-1)).toMatchObject({ type: 'saga-closed', by: 'local', note: 'by hand' });
  });
});

describe('delete', () => {
  test('204 for a saga that has ended: found no more, in no list; its id stays taken; 412 while it goes on', async () => {
    await using bench = await open({ routes: { 'http://p/slow': hang, 'http://p/': ok } });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a')]));
    await bench.ask('POST', '/v1/sagas', request('on', [step('slow')]));
    await bench.clock.settle();
    expect(await bench.ask('DELETE', '/v1/sagas/on')).toMatchObject({ status: 412, body: { code: 'saga-not-ended' } });
    expect((await bench.ask('DELETE', '/v1/sagas/s')).status).toBe(204);
    for (const path of ['', '/history', '/outcome']) {
      expect((await bench.ask('GET', `/v1/sagas/s${path}`)).status).toBe(404);
    }
    expect((await bench.ask('DELETE', '/v1/sagas/s')).status).toBe(404);
    expect((await bench.ask('POST', '/v1/sagas/s/cancel')).status).toBe(404);
    expect((await bench.ask('GET', '/v1/sagas')).body.items.map(({ id }: { id: string }) => id)).toEqual(['on']);
    const again = await bench.ask('POST', '/v1/sagas', request('s', [step('a')]));
    expect(again).toMatchObject({ status: 410, body: { code: 'saga-purged' } });
  });

  test('a terminated saga leaves the human queue with it', async () => {
    await using bench = await open({ routes: { 'http://p/': hang } });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a')]));
    await bench.ask('POST', '/v1/sagas/s/terminate');
    expect((await bench.ask('DELETE', '/v1/sagas/s')).status).toBe(204);
    await bench.clock.settle();
    expect((await bench.ask('GET', '/v1/attention')).body.items).toEqual([]);
    expect((await bench.ask('GET', '/v1/sagas/s')).status).toBe(404);
  });
});

describe('signals', () => {
  test('202 for the step that waits, or will; 409 for one that nobody waits for; 412 at the end', async () => {
    await using bench = await open({ sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 's', name: 'waits' });
    expect(await bench.ask('POST', '/v1/sagas/s/signals/other', {})).toMatchObject({
      status: 409,
      body: { code: 'signal-refused' },
    });
    expect((await bench.ask('POST', '/v1/sagas/s/signals/approval', { by: 'Ada' })).status).toBe(202);
    await bench.clock.settle();
    expect((await bench.ask('GET', '/v1/sagas/s/outcome')).body).toMatchObject({
      status: 'completed',
      output: { by: 'Ada' },
    });
    expect((await bench.ask('POST', '/v1/sagas/s/signals/approval', { by: 'Ada' })).status).toBe(412);
  });

  test('409 while it is being undone', async () => {
    await using bench = await open({
      routes: { 'http://p/a/undo': hang, 'http://p/b': () => new Response(null, { status: 409 }), 'http://p/': ok },
    });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a'), step('b')]));
    await bench.clock.advance(10);
    expect((await bench.ask('POST', '/v1/sagas/s/signals/x')).status).toBe(409);
  });
});

describe('the verbs of a person', () => {
  test('409 not-waiting for a step that does not wait for one', async () => {
    await using bench = await open({ routes: { 'http://p/': hang } });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a')]));
    for (const verb of ['retry', 'resolve', 'skip', 'forward']) {
      expect(await bench.ask('POST', `/v1/sagas/s/steps/a/${verb}`)).toMatchObject({
        status: 409,
        body: { code: 'not-waiting' },
      });
    }
    expect(await bench.ask('POST', '/v1/sagas/s/steps/a/retry-with')).toMatchObject({ status: 422 });
    expect((await bench.ask('POST', '/v1/sagas/s/steps/nothing/retry')).status).toBe(409);
  });

  test('each leads on as it says: retry-with other input, resolve, skip, forward', async () => {
    for (const [verb, body, after] of [
      ['retry-with', { args: { mended: true } }, 'needs-human'],
      ['resolve', { output: { by: 'hand' }, note: 'done' }, 'completed'],
      ['forward', { output: 1 }, 'completed'],
    ] as const) {
      await using bench = await open({ routes: { 'http://p/late': refuse, 'http://p/': ok } });
      const late = { name: 'late', action: { url: 'http://p/late' } };
      await bench.ask('POST', '/v1/sagas', request('s', [{ ...step('pay'), pivot: true }, late]));
      await bench.clock.settle();
      expect((await bench.ask('GET', '/v1/sagas/s/outcome')).status).toBe(202);
      expect((await bench.ask('POST', `/v1/sagas/s/steps/late/${verb}`, body)).status).toBe(202);
      await bench.clock.settle();
      expect((await bench.ask('GET', '/v1/sagas/s')).body.status).toBe(after);
      if (verb === 'retry-with') expect(bench.participants.calls.at(-1)?.body).toBe('{"mended":true}');
    }
  });
});

describe('outcome', () => {
  test('202 while it runs, 200 as soon as it ends, 202 again when the wait is over first', async () => {
    const opened = Promise.withResolvers<Response>();
    await using bench = await open({ routes: { 'http://p/': () => opened.promise } });
    await bench.ask('POST', '/v1/sagas', request('s', [step('a', { timeout: '1h' })]));
    const impatient = bench.ask('GET', '/v1/sagas/s/outcome?wait=2s');
    await bench.clock.advance(2000);
    expect(await impatient).toMatchObject({ status: 202, body: { status: 'running' } });
    const patient = bench.ask('GET', '/v1/sagas/s/outcome?wait=30s');
    await bench.clock.advance(1000);
    opened.resolve(ok());
    await bench.clock.settle();
    expect(await patient).toMatchObject({ status: 200, body: { status: 'completed', output: { a: { ok: true } } } });
  });

  test('whoever waits for an end is answered from memory: the log is not read for it', async () => {
    let reads = 0;
    const journal = memoryJournal();
    const state = journal.state.bind(journal);
    journal.state = (id) => {
      reads++;
      return state(id);
    };
    await using bench = await open({ journal, sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 's', name: 'waits' });
    await bench.clock.advance(10);
    const outcome = bench.ask('GET', '/v1/sagas/s/outcome?wait=30s');
    await bench.clock.advance(10);
    await bench.ask('POST', '/v1/sagas/s/signals/approval', 7);
    await bench.clock.advance(10);
    const before = reads;
    expect(await outcome).toMatchObject({ status: 200, body: { status: 'completed', output: 7 } });
    // The answer to the signal may find the saga ended; whoever waited has read nothing.
    expect(before).toBeLessThanOrEqual(1);
    expect(reads).toBe(before);
  });

  test('whoever waits is answered when the server closes', async () => {
    await using bench = await open({ sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 's', name: 'waits' });
    const waiting = bench.ask('GET', '/v1/sagas/s/outcome?wait=60s');
    await bench.clock.settle();
    await bench.server.close();
    expect([202, 503]).toContain((await waiting).status);
    expect((await bench.ask('GET', '/readyz')).status).toBe(503);
    expect(await bench.ask('POST', '/v1/sagas', { name: 'waits' })).toMatchObject({
      status: 503,
      body: { code: 'shutting-down' },
    });
  });
});

describe('policies', () => {
  test("given to a step at run time, they hold for attempts not yet scheduled; taken back, the definition's own", async () => {
    await using bench = await open({ routes: { 'http://p/': () => new Response(null, { status: 500 }) } });
    const given = await bench.ask('PUT', '/v1/policies/trip/a', {
      maxAttempts: 2,
      backoff: { kind: 'fixed', initialDelay: '1s' },
    });
    expect(given).toMatchObject({
      status: 200,
      body: { saga: 'trip', step: 'a', phase: 'action', retry: { maxAttempts: 2 } },
    });
    expect((await bench.ask('GET', '/v1/policies')).body.items).toEqual([given.body]);
    await bench.ask('POST', '/v1/sagas', request('s', [step('a')]));
    await bench.clock.advance(1500);
    expect(bench.calls().filter((call) => call.startsWith('action'))).toHaveLength(2);
    expect((await bench.ask('DELETE', '/v1/policies/trip/a')).status).toBe(204);
    expect((await bench.ask('GET', '/v1/policies')).body.items).toEqual([]);
    expect((await bench.ask('PUT', '/v1/policies/trip/a?phase=compensation', 'patient')).status).toBe(200);
    expect((await bench.ask('PUT', '/v1/policies/trip/a', { maxAttempts: 0 })).status).toBe(422);
    expect((await bench.ask('PUT', '/v1/policies/trip/a', 'eager')).status).toBe(422);
  });
});
