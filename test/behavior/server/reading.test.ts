import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { saga } from '../../../src/saga/saga.ts';
import { operations } from '../../../src/wire/operations.ts';
import { open, request, step } from './bench.ts';

const waits = saga('waits').input().wait('approval').output();

describe('lists', () => {
  test('newest first, in pages, each saga once; by name, status, step and time', async () => {
    await using bench = await open({ sagas: [waits] });
    const stamps: string[] = [];
    for (let number = 1; number <= 7; number++) {
      await bench.clock.advance(1000);
      const { body } = await bench.ask('POST', '/v1/sagas', { id: `w-${number}`, name: 'waits' });
      stamps.push(body.createdAt);
    }
    await bench.clock.advance(1000);
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('a')]));
    await bench.clock.settle();
    const ids = async (query: string): Promise<string[]> =>
      (await bench.ask('GET', `/v1/sagas?${query}`)).body.items.map(({ id }: { id: string }) => id);
    const first = (await bench.ask('GET', '/v1/sagas?name=waits&limit=5')).body;
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(['w-7', 'w-6', 'w-5', 'w-4', 'w-3']);
    const second = (await bench.ask('GET', `/v1/sagas?name=waits&limit=5&cursor=${first.nextCursor}`)).body;
    expect(second.items.map(({ id }: { id: string }) => id)).toEqual(['w-2', 'w-1']);
    expect(second.nextCursor).toBeUndefined();
    expect(await ids('status=completed')).toEqual(['t-1']);
    expect(await ids('status=waiting&limit=1')).toEqual(['w-7']);
    expect(await ids('step=approval&limit=2')).toEqual(['w-7', 'w-6']);
    expect(await ids(`from=${stamps[2]}&to=${stamps[4]}`)).toEqual(['w-5', 'w-4', 'w-3']);
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=ten',
    'status=done',
    'from=yesterday',
    'to=2026-13-40T00:00:00Z',
    'cursor=x',
    'name=a%20b',
    'nmae=x',
    'limit=1&limit=2',
  ])('400 for a query that is not what it should be: %s', async (query) => {
    await using bench = await open();
    expect(await bench.ask('GET', `/v1/sagas?${query}`)).toMatchObject({ status: 400, body: { code: 'bad-query' } });
  });
});

test('a history has every record in order, with place, time and attempt, and its end says how', async () => {
  await using bench = await open();
  await bench.ask('POST', '/v1/sagas', request('t', [step('a')]));
  await bench.clock.settle();
  const { items } = (await bench.ask('GET', '/v1/sagas/t/history')).body;
  expect(
    items.map(({ seq, type, step: of, attempt, status }: Record<string, unknown>) => [seq, type, of, attempt, status]),
  ).toEqual([
    [1, 'saga-started', undefined, undefined, undefined],
    [2, 'step-started', 'a', 1, undefined],
    [3, 'step-confirmed', 'a', 1, undefined],
    [4, 'saga-completed', undefined, undefined, 'completed'],
  ]);
  expect(items[0]).toMatchObject({
    offset: 0,
    sagaId: 't',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    input: { who: 'Ada' },
  });
  expect(new Set(items.map(({ offset }: { offset: number }) => offset)).size).toBe(4);
});

describe('what is not there, or not so', () => {
  test.each([
    ['GET', '/', 404, 'no-such-path'],
    ['GET', '/v1/nothing', 404, 'no-such-path'],
    ['DELETE', '/v1/sagas', 405, 'method-not-allowed'],
    ['PATCH', '/v1/sagas/a', 405, 'method-not-allowed'],
    ['OPTIONS', '/v1/sagas', 405, 'method-not-allowed'],
    ['GET', '/v1/sagas/a%2Fb', 422, 'invalid'],
    ['GET', '/v1/sagas/%zz', 422, 'invalid'],
    ['GET', `/v1/sagas/${'a'.repeat(201)}`, 422, 'invalid'],
  ])('%s %s: %i %s', async (method, path, status, code) => {
    await using bench = await open();
    expect(await bench.ask(method, path)).toMatchObject({ status, body: { code } });
  });

  test('HEAD answers as GET, without a body', async () => {
    await using bench = await open();
    const answer = await bench.send('HEAD', '/v1/sagas');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('health', () => {
  test('lives, is ready once it has recovered, and tells its metrics', async () => {
    await using bench = await open({ metrics: () => 'makegood_sagas 1\n' });
    expect((await bench.ask('GET', '/healthz')).status).toBe(200);
    expect((await bench.ask('GET', '/readyz')).status).toBe(200);
    expect((await bench.ask('GET', '/metrics')).body).toBe('makegood_sagas 1\n');
  });
});

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1 and tells of every operation', async () => {
    await using bench = await open({ version: '1.2.3' });
    const { body } = await bench.ask('GET', '/v1/openapi.json');
    expect(await new Validator().validate(body)).toMatchObject({ valid: true });
    const told = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(told.toSorted()).toEqual(Object.keys(operations).toSorted());
    expect(body.info.version).toBe('1.2.3');
  });
});
