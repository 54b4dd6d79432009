/**
 * What every language must decide alike, as data: `participants/protocol/*.json` is made from the TypeScript barrier and
 * read by the unit tests of the others. After a change that is meant: `vitest run test/e2e/participants/vectors.test.ts -u`.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type BarrierPhase,
  type BarrierReply,
  type BarrierRow,
  decideBarrier,
} from '../../../src/participant/decide-barrier.ts';
import { readCallHeaders, readJson, RefusedRequest } from '../../../src/participant/participant-request.ts';

const folder = join(import.meta.dirname, '../../../participants/protocol');

async function expectFile(name: string, cases: readonly object[]): Promise<void> {
  const text = `[\n${cases.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`;
  await expect(text).toMatchFileSnapshot(join(folder, name));
}

const done: BarrierReply = { status: 200, body: '{"id":7}' };
const empty: BarrierReply = { status: 204, body: '' };
const refused: BarrierReply = { status: 409, body: '{"code":"SOLD_OUT"}' };
const undone: BarrierReply = { status: 200, body: '{"undone":true}' };

const rows: readonly (BarrierRow | undefined)[] = [
  undefined,
  { epoch: 3, action: 'applied', actionReply: done, undoneReply: undefined },
  { epoch: 3, action: 'applied', actionReply: empty, undoneReply: undefined },
  { epoch: 3, action: 'applied', actionReply: done, undoneReply: undone },
  { epoch: 3, action: 'refused', actionReply: refused, undoneReply: undefined },
  { epoch: 3, action: 'refused', actionReply: refused, undoneReply: undone },
  { epoch: 3, action: 'barred', actionReply: undefined, undoneReply: undefined },
  { epoch: 3, action: 'barred', actionReply: undefined, undoneReply: undone },
];
const phases: readonly BarrierPhase[] = ['action', 'compensation', 'status'];

test('every row, phase and epoch: what the barrier decides', async () => {
  const cases = rows.flatMap((row) =>
    phases.flatMap((phase) =>
      [2, 3, 4].map((epoch) => {
        const verdict = decideBarrier(row, { phase, epoch });
        const { kind } = verdict;
        const wanted =
          verdict.kind === 'replay'
            ? { kind, reply: verdict.reply }
            : verdict.kind === 'refuse'
              ? { kind, code: verdict.code }
              : { kind };
        const shown = row && { ...row, actionReply: row.actionReply ?? null, undoneReply: row.undoneReply ?? null };
        return { row: shown ?? null, phase, epoch, verdict: wanted };
      }),
    ),
  );
  await expectFile('decide-barrier.json', cases);
});

const good = {
  'Idempotency-Key': 'order-1/reserve/action',
  'Makegood-Saga': 'order-1',
  'Makegood-Step': 'reserve',
  'Makegood-Phase': 'action',
  'Makegood-Attempt': '1',
  'Makegood-Epoch': '0',
};

const headerCases: readonly Readonly<Record<string, string | undefined>>[] = [
  {},
  { 'Makegood-Attempt': '12', 'Makegood-Epoch': '999999999999999', 'Makegood-Deadline': '2500' },
  { 'Makegood-Phase': 'status' },
  { 'Makegood-Phase': 'compensation', 'Idempotency-Key': 'order-1/reserve/compensation' },
  { 'Makegood-Saga': 'A_z.~:@-9', 'Idempotency-Key': 'A_z.~:@-9/reserve/action' },
  { 'Makegood-Saga': 'x'.repeat(200), 'Idempotency-Key': `${'x'.repeat(200)}/reserve/action` },
  ...Object.keys(good).map((name) => ({ [name]: undefined })),
  { 'Makegood-Phase': 'forward' },
  { 'Makegood-Phase': 'compensation' },
  { 'Idempotency-Key': 'order-1/reserve/action/' },
  ...['', '.', '..', 'a b', 'a/b', 'caf\u00e9', 'x'.repeat(201)].map((saga) => ({
    'Makegood-Saga': saga,
    'Idempotency-Key': `${saga}/reserve/action`,
  })),
  ...['', '-1', '+1', '1.0', '1e3', '0x1', '1_0', '1, 1', '1000000000000000'].flatMap((text) => [
    { 'Makegood-Epoch': text },
    { 'Makegood-Attempt': text },
    { 'Makegood-Deadline': text },
  ]),
  { 'Makegood-Attempt': '0' },
  { 'Makegood-Deadline': '0' },
];

function refusalOf(error: unknown): number {
  if (error instanceof RefusedRequest) return error.reply.status;
  throw error;
}

test('headers: which call they make, and which are refused', async () => {
  const cases = headerCases.map((change) => {
    const headers = Object.fromEntries(
      Object.entries({ ...good, ...change }).filter(([, value]) => value !== undefined),
    );
    try {
      const { saga, step, phase, attempt, epoch, deadlineMs = null } = readCallHeaders(new Headers(headers));
      return { headers, call: { saga, step, phase, attempt, epoch, deadlineMs } };
    } catch (error) {
      return { headers, refused: refusalOf(error) };
    }
  });
  await expectFile('call-headers.json', cases);
});

const json = 'application/json';
const bodyCases: readonly (readonly [type: string, body: string])[] = [
  [json, '{"sku":"tea"}'],
  ['application/json; charset=utf-8', ' [1, "\\u00e9", null] '],
  ['application/vnd.shop+json', '"text"'],
  [json, `${'['.repeat(64)}${']'.repeat(64)}`],
  [json, `${'{"a":'.repeat(63)}{}${'}'.repeat(63)}`],
  [json, '"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["'],
  [json, String.raw`"a \" [ \\"`],
  ['', '{}'],
  ['text/plain', '{}'],
  ['application/jsonp', '{}'],
  [json, ''],
  [json, '{"sku":'],
  [json, '{} {}'],
  [json, "{'a':1}"],
  [json, '[1,]'],
  [json, 'NaN'],
  [json, '[Infinity]'],
  [json, '[01]'],
  [json, '// no\n{}'],
  [json, `${'['.repeat(65)}${']'.repeat(65)}`],
];

test('bodies: which are JSON that is taken, and which are refused', async () => {
  const cases = await Promise.all(
    bodyCases.map(async ([type, body]) => {
      const request = new Request('http://participant', { method: 'POST', headers: { 'Content-Type': type }, body });
      const refusal = await readJson(request, 1024 * 1024).then(() => null, refusalOf);
      return { type, body, refused: refusal };
    }),
  );
  await expectFile('bodies.json', cases);
});
