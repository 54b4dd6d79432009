import { expect, test } from 'vitest';
import { compile } from '../../../scripts/type-cost.ts';
import { advise, type Facts, parseSla, SlaSyntaxError } from '../../../src/advisor/index.ts';
import { everyFact } from './every-fact.ts';

const same = `type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;`;

/** The first of what the compiler found: all of it, of a rule that is wrong in hundreds of cases, is too much to compare. */
function faultsOf(program: string): string {
  return compile(program).errors.slice(0, 4000);
}

function decisionOf(facts: Facts): unknown {
  const { possible, rule, mode, consistency, fallback, offer } = advise(facts);
  return { possible, rule, mode, consistency, fallback, offer };
}

test('run time and compiler give the same advice on all 864 combinations of facts, below 6,000 instantiations each', () => {
  const lines = everyFact().map(
    (facts, index) =>
      `export const a${index}: Same<Advise<${JSON.stringify(facts)}>, ${JSON.stringify(decisionOf(facts))}> = true;`,
  );
  const head = `import type { Advise } from '../src/advisor/advise-type.ts';`;
  const { errors, instantiations } = compile([head, same, ...lines, ''].join('\n'));
  expect(errors.slice(0, 4000)).toBe('');
  const { instantiations: alone } = compile(`${head}\nexport type { Advise };\n`);
  expect(instantiations - alone).toBeLessThan(lines.length * 6000);
}, 120_000);

const readable = [
  'p99<80ms',
  'p50<1ms',
  'p90 <= 1.5s',
  'p95<2m',
  'p99.9<=0.25s over 5m',
  '  max  <  10ms  over  1d ',
  'p99<080ms',
  'p99<50.000001ms over 1h',
];

const unreadable = [
  '',
  '   ',
  'q99<80ms',
  'p98<80ms',
  'p99',
  'p99.8<80ms',
  'p99>80ms',
  'p99 =< 80ms',
  'p99<',
  'p99<fast',
  'p99<80',
  'p99<80ns',
  'p99<80h',
  'p99<1.ms',
  'p99<.5ms',
  'p99<0ms',
  'p99 <= 0.00s',
  'p99<80ms per 5m',
  'p99<80ms over',
  'p99<80ms over 5',
  'p99<80ms over 5w',
  'p99<80ms over 5m!',
  'p99<80ms 5m',
  'p99<-1ms',
  'P99<80ms',
  'p99<80ms over 5m over 5m',
];

/** What the compiler ought to read. */
function readingOf(text: string): unknown {
  try {
    return parseSla(text);
  } catch (error) {
    if (error instanceof SlaSyntaxError) return { fault: error.message };
    throw error;
  }
}

test('run time and compiler read the same in an SLA, or find the same fault at the same position', () => {
  const lines = [...readable, ...unreadable].map((text, index) => {
    const reading = Object.entries(readingOf(text) as Record<string, unknown>);
    const type = reading.map(
      ([name, value]) => `${name}: ${value === undefined ? 'undefined' : JSON.stringify(value)}`,
    );
    return `export const s${index}: Same<ParseSla<${JSON.stringify(text)}>, { ${type.join('; ')} }> = true;`;
  });
  const head = `import type { ParseSla } from '../src/advisor/sla-type.ts';`;
  expect(faultsOf([head, same, ...lines, ''].join('\n'))).toBe('');
  expect(readable.map(readingOf).every((reading) => 'limit' in (reading as object))).toBe(true);
  expect(unreadable.map(readingOf).every((reading) => 'fault' in (reading as object))).toBe(true);
}, 60_000);

test('run time and compiler compare latencies exactly, in every unit and to the nanosecond', () => {
  const limits = [
    '1ms',
    '1.1s',
    '1100ms',
    '1.100000001s',
    '60s',
    '1m',
    '0.0183333333m',
    '1.01m',
    '60.6s',
    '999.999999ms',
    '1000ms',
    '09.5s',
  ];
  const numbers = [50, 0.1, 1100, 1099.9999999, 60_600, 1e21];
  const facts = limits.flatMap((limit) =>
    ['<', '<='].flatMap((operator) =>
      [...limits, ...numbers.filter((number) => number < 1e21)].map(
        (participantP99): Facts => ({
          sla: `p99${operator}${limit}`,
          partition: 'cp',
          semantics: 'causal',
          participantP99: participantP99 as number,
        }),
      ),
    ),
  );
  const lines = facts.map(
    (fact, index) => `export const c${index}: Advise<${JSON.stringify(fact)}>['rule'] = '${advise(fact).rule}';`,
  );
  const head = `import type { Advise } from '../src/advisor/advise-type.ts';`;
  expect(faultsOf([head, ...lines, ''].join('\n'))).toBe('');
}, 60_000);

test('facts that the compiler does not know give any advice, and a text that is no SLA does not compile', () => {
  const program = `
import { advise } from '../src/advisor/advise.ts';
import type { Advise, Decision } from '../src/advisor/advise-type.ts';
import type { Facts } from '../src/advisor/facts.ts';
${same}
export const wide: Same<Advise<Facts>, Decision> = true;
export const either: Same<Advise<{ sla: 'p99<80ms'; partition: 'ap' | 'cp'; semantics: 'causal' }>, Decision> = true;
export const rate: Same<Advise<{ sla: 'p99<80ms'; partition: 'ap'; semantics: 'causal'; conflictRate: number }>, Decision> = true;
export const given = (facts: Facts): string => advise(facts).mode;
export const mode: 'choreography' = advise({ sla: 'p99<80ms', partition: 'ap', semantics: 'causal' }).mode;
`;
  expect(faultsOf(program)).toBe('');
  const refused = `${program}export const bad = advise({ sla: 'q99<80ms', partition: 'ap', semantics: 'causal' });\n`;
  const message = 'Expected sla to have p50, p90, p95, p99, p99.9 or max at position 1, got "q99<80ms"';
  expect(compile(refused).errors.replaceAll('\\', '')).toContain(message);
  expect(() => parseSla('q99<80ms')).toThrow(message);
}, 60_000);
