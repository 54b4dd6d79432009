import { describe, expect, test } from 'vitest';
import { compile } from '../../../scripts/type-cost.ts';

const head = `
import { saga } from '../src/saga/saga.ts';
const [run, compensate] = [(): number => 1, (): void => undefined];
const hurry = { sla: 'p99<40ms', partition: 'cp', semantics: 'total-order' } as const;
const alone = { sla: 'p99<80ms', partition: 'ap', semantics: 'idempotent' } as const;
const final = { sla: 'p99<2s', partition: 'cp', semantics: 'idempotent', irreversible: 'behind-pivot' } as const;
export { alone, compensate, final, hurry, run };
`;

/** Programs that break what they require, and what both the compiler and plain JavaScript are told. */
const refused = {
  'saga-first in a hurry': [
    `saga('s', { require: hurry }).input().step('a', { run, compensate, mode: 'saga-first' })`,
    'Expected mode: "durable": consistency "cp-cached" agrees before it answers, and "saga-first" tries again after 1, 2 and 4 s',
  ],
  'durable where everyone is alone': [
    `saga('s', { require: alone }).input().step('a', { run, compensate })`,
    'Expected mode: "saga-first": with consistency "ap-compensated" a compensation is durable before its action, for whoever made it may be cut off afterwards',
  ],
  'parallel steps in one order': [
    `saga('s', { require: hurry }).input().parallel({ a: { run, compensate } })`,
    'Expected no parallel steps: semantics "total-order" has one order that all agree on',
  ],
  'items at the same time in one order': [
    `saga('s', { require: hurry }).input().forEach('a', () => [1], { run, compensate })`,
    'Expected concurrency: 1: semantics "total-order" has one order that all agree on',
  ],
  'no pivot': [
    `saga('s', { require: final }).input().step('a', { run, compensate }).output()`,
    'Expected a pivot: irreversible "behind-pivot" says that a step cannot be undone',
  ],
  'a wait': [
    `saga('s', { require: hurry }).input().wait('a')`,
    'Expected no wait for a signal: nobody knows whether it comes within the SLA',
  ],
  'a long sleep': [
    `saga('s', { require: hurry }).input().sleep('a', '40ms')`,
    'Expected a shorter sleep: this one alone breaks the SLA',
  ],
  'a contradiction': [
    `saga('s', { require: { sla: 'p99<4ms over 5m', partition: 'ap', semantics: 'total-order' } })`,
    'Expected facts that can be had together: an SLA below 50 ms needs agreement and a cache, which this one leaves no time for; from 50 ms on parts may answer on their own; the nearest offer is sla: "p99<=50ms over 5m", semantics: "causal"',
  ],
  'an SLA that cannot be read': [
    `saga('s', { require: { sla: 'p99=80ms', partition: 'ap', semantics: 'idempotent' } })`,
    'Expected sla to have < or <= at position 4, got "=80ms"',
  ],
  'a coordinator that may be cut off': [
    `saga('s', { require: { sla: 'p99<80ms', partition: 'ap', semantics: 'causal' } })`,
    'Expected no coordinator: partition "ap" with semantics "causal" is kept by services that react to events, since a coordinator may be cut off from them',
  ],
} as const;

describe('a saga that breaks what it requires does not compile, and is refused at start-up, with the same message', () => {
  const programs = Object.values(refused).map(([program]) => program);
  const { errors } = compile(`${head}${programs.map((program) => `${program};`).join('\n')}\n`);
  const firstLine = head.split('\n').length;

  test.for(Object.entries(refused))('%s', async ([name, [program, message]]) => {
    const line = firstLine + Object.keys(refused).indexOf(name);
    const said = errors.split('\n').reduce<string[]>((blocks, text) => {
      if (/^\S/.test(text)) blocks.push(text);
      else blocks.push(`${blocks.pop() ?? ''}\n${text}`);
      return blocks;
    }, []);
    const here = said.filter((text) => text.includes(`program.ts(${line},`));
    expect(here.join('\n').replaceAll('\\"', '"')).toContain(message);
    const { saga } = await import('../../../src/saga/index.ts');
    // As plain JavaScript, which knows no types: the same text, run.
    const body = `${head
      .replace(/import.*\n/, '')
      .replace(/export.*\n/, '')
      .replaceAll(/: (?:number|void)(?= =>)| as const/g, '')}return ${program};`;
    // oxlint-disable-next-line typescript/no-implied-eval -- the program that the compiler refused is to be run as it is
    const start = new Function('saga', body) as (define: typeof saga) => unknown;
    expect(() => start(saga)).toThrow(message);
  });
});
