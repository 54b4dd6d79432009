import { Buffer } from 'node:buffer';
import type { PendingWrite } from './pending-write.ts';

/** How many parameters `append_1` has. */
const parameters = Array.from({ length: 22 }, (_, index) => `$${index + 1}`).join(', ');

/** The one statement of a flush. */
export function appendText(schema: string): string {
  return `SELECT written, lands FROM ${schema}.append_1(${parameters})`;
}

/**
 * The statement of a flush that carries out what others have asked: what was written of it is marked, in one transaction
 * with the records.
 */
export function appendAskedText(schema: string): string {
  return `WITH appended AS MATERIALIZED (${appendText(schema)}), done AS (
      UPDATE ${schema}.command c SET done = true
      FROM unnest($23::integer[], $24::bigint[]) AS asked(place, id) JOIN appended ON appended.written = asked.place
      WHERE c.id = asked.id
    ) SELECT written, lands FROM appended`;
}

/** What others have asked and these writes carry out: the two parameters that {@link appendAskedText} has more. */
export function askedValues(writes: readonly PendingWrite[]): unknown[] {
  const asked = writes.flatMap(({ facts }, place) => facts.asked.map((id) => [place, id] as const));
  return [plainArray(asked.map(([place]) => place)), plainArray(asked.map(([, id]) => id))];
}

function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

function plainArray(values: readonly (number | string | boolean)[]): string {
  return `{${values.join(',')}}`;
}

/**
 * The parameters of `append_1`: one array a column. All bodies travel in one binary parameter with an array of places in
 * it, since arrays of binary values would be written out in hexadecimal and read again.
 */
export function appendValues(node: number, writes: readonly PendingWrite[]): unknown[] {
  const facts = writes.map((write) => write.facts);
  const records = recordColumns(writes);
  return [
    node,
    plainArray(facts.map(({ shard }) => shard)),
    plainArray(writes.map(({ epoch }) => epoch)),
    textArray(facts.map(({ sagaId }) => sagaId)),
    plainArray(facts.map(({ expectedSeq }) => expectedSeq)),
    plainArray(facts.map(({ seq }) => seq)),
    plainArray(writes.map(({ tag }) => tag)),
    textArray(facts.map(({ status }) => status)),
    plainArray(facts.map(({ finished }) => finished)),
    textArray(facts.map(({ name }) => name)),
    textArray(facts.map(({ version }) => version)),
    plainArray(facts.map(({ bornAt }) => bornAt)),
    plainArray(facts.map(({ updatedAt }) => updatedAt)),
    plainArray(firstPlaces(writes)),
    ...records,
  ];
}

/** The place of each append's first record among all records, from 1. */
function firstPlaces(writes: readonly PendingWrite[]): number[] {
  let next = 1;
  return writes.map(({ facts }) => {
    const first = next;
    next += facts.entries.length;
    return first;
  });
}

function recordColumns(writes: readonly PendingWrite[]): unknown[] {
  const [places, seqs, kinds, ats, starts, lengths]: number[][] = [
    [],
    [],
    [],
    [],
    [],
    [],
  ] as const satisfies number[][];
  const steps: string[] = [];
  const bodies: string[] = [];
  let start = 1;
  for (const [index, { facts }] of writes.entries()) {
    for (const [offset, { kind, timestamp, stepId, payload }] of facts.entries.entries()) {
      const body = String(payload);
      const length = Buffer.byteLength(body);
      places?.push(index + 1);
      seqs?.push(facts.expectedSeq + 1 + offset);
      kinds?.push(kind);
      ats?.push(timestamp);
      steps.push(stepId);
      starts?.push(start);
      lengths?.push(length);
      bodies.push(body);
      start += length;
    }
  }
  const numbers = [places, seqs, kinds, ats].map((column) => plainArray(column ?? []));
  const ranges = [starts, lengths].map((column) => plainArray(column ?? []));
  return [...numbers, textArray(steps), ...ranges, Buffer.from(bodies.join(''))];
}
