/** A saga that has ended is run anew, and one that runs may go on for longer. */
import { describe, expect, test } from 'vitest';
import { saga } from '../../../src/saga/saga.ts';
import { hang, ok, open, refuse, request, step, waits } from './bench.ts';

describe('restart', () => {
  const refusals = { 'http://p/full': refuse, 'http://p/': ok };

  test('201 a saga of its own with keys of its own; asked twice 200 and the same; then the run after that', async () => {
    await using bench = await open({ routes: refusals });
    await bench.ask(
      'POST',
      '/v1/sagas',
      request('s', [step('a'), step('full')], { headers: { tenant: 'x' }, deadline: '1h' }),
    );
    await bench.clock.advance(60_000);
    const first = await bench.ask('POST', '/v1/sagas/s/restart', {});
    expect(first).toMatchObject({
      status: 201,
      body: { id: 's@2', name: 'trip', input: { who: 'Ada' }, run: { of: 's', number: 2 } },
    });
    expect(first.headers.get('location')).toBe('/v1/sagas/s%402');
    expect((await bench.ask('POST', '/v1/sagas/s/restart')).status).toBe(200);
    await bench.clock.advance(60_000);
    const call = bench.participants.calls.find(({ sagaId }) => sagaId === 's@2');
    expect(call?.idempotencyKey).toBe('s@2/a/action');
    expect(call?.headers['tenant']).toBe('x');
    const next = await bench.ask('POST', '/v1/sagas/s@2/restart', { input: { who: 'Grace' }, deadline: '5s' });
    expect(next).toMatchObject({ status: 201, body: { id: 's@3', input: { who: 'Grace' } } });
    expect(await bench.ask('POST', '/v1/sagas/s@2/restart', { input: 1 })).toMatchObject({
      status: 409,
      body: { code: 'saga-conflict' },
    });
  });

  test('412 while it runs; 409 of a step of another; 422 for a version that is not there', async () => {
    const child = saga('child')
      .input()
      .step('fails', { run: () => Promise.reject(new Error('no')), readOnly: true });
    const family = saga('family')
      .input()
      .child(
        'kid',
        child.output(() => null),
        () => null,
      )
      .output(() => null);
    await using bench = await open({ routes: { 'http://p/slow': hang, 'http://p/': ok }, sagas: [family, waits] });
    await bench.ask('POST', '/v1/sagas', request('s', [step('slow')]));
    expect(await bench.ask('POST', '/v1/sagas/s/restart')).toMatchObject({
      status: 412,
      body: { code: 'saga-not-ended' },
    });
    await bench.ask('POST', '/v1/sagas', { id: 'f', name: 'family' });
    await bench.clock.advance(60_000);
    expect(await bench.ask('POST', '/v1/sagas/f~kid/restart')).toMatchObject({
      status: 409,
      body: { code: 'restart-refused' },
    });
    expect(await bench.ask('POST', '/v1/sagas/f/restart', { version: '9' })).toMatchObject({
      status: 422,
      body: { code: 'unknown-saga' },
    });
    expect(await bench.ask('POST', '/v1/sagas/f/restart', { headers: { host: 'x' } })).toMatchObject({
      status: 422,
      body: { code: 'reserved-header' },
    });
    expect((await bench.ask('POST', '/v1/sagas/f/restart', { version: '1' })).status).toBe(201);
  });
});

describe('renew', () => {
  test('202 with the later deadline, which holds; 409 without a deadline, or for an earlier one; 412 ended', async () => {
    await using bench = await open({ sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 's', name: 'waits', deadline: '10s' });
    await bench.ask('POST', '/v1/sagas', { id: 'free', name: 'waits' });
    await bench.clock.advance(5000);
    const { body: before } = await bench.ask('GET', '/v1/sagas/s');
    const renewed = await bench.ask('POST', '/v1/sagas/s/renew', { deadline: '1m' });
    expect(renewed.status).toBe(202);
    expect(Date.parse(renewed.body.deadline) - Date.parse(before.deadline)).toBe(55_000);
    for (const [id, deadline] of [
      ['s', '1s'],
      ['free', '1m'],
    ] as const)
      expect(await bench.ask('POST', `/v1/sagas/${id}/renew`, { deadline })).toMatchObject({
        status: 409,
        body: { code: 'renewal-refused' },
      });
    expect((await bench.ask('POST', '/v1/sagas/s/renew', {})).status).toBe(422);
    await bench.clock.advance(50_000);
    expect((await bench.ask('GET', '/v1/sagas/s')).body.status).toBe('waiting');
    await bench.clock.advance(20_000);
    expect(await bench.ask('POST', '/v1/sagas/s/renew', { deadline: '1h' })).toMatchObject({ status: 412 });
  });
});
