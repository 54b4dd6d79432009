import type { AuditResult, SumCheck } from './audit.ts';
import { type FaultCounts, wireFaults } from './wire-faults.ts';

/** Where the orders came from, and what of it could not be used. */
export interface InputReport {
  /** The file's name, or `generated`. */
  readonly source: string;
  readonly orders: number;
  readonly lines: number;
  readonly badRowCount: number;
  /** The first of them, each with its line number. */
  readonly badRows: readonly string[];
}

/** What the run was asked for and how it went. */
export interface RunReport {
  readonly seed: number;
  readonly failRate: number;
  readonly inFlight: number;
  /** From the first order sent to the last outcome, restarts included. */
  readonly seconds: number;
  readonly sagasPerSecond: number;
  /** From the sending of an order to its outcome, restarts included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** HTTP requests that reached the participants. */
  readonly requests: number;
  readonly faults: FaultCounts;
  readonly kills: number;
  /** Orders that were in flight when the coordinator was killed, over all kills. */
  readonly interrupted: number;
}

/** Everything a demo has to say. `--json` prints it as it is. */
export interface DemoReport {
  readonly input: InputReport;
  readonly run: RunReport;
  readonly audit: AuditResult;
}

/**
 * The value below which the share `p` of the values lies (nearest rank).
 *
 * @example
 * percentile([5, 1, 9, 3], 0.5) // => 3
 */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? 0;
}

/** Money for people: `-£1,234.05`. */
export function pounds(pence: number): string {
  const size = Math.abs(pence);
  const digits = `${Math.floor(size / 100).toLocaleString('en')}.${String(size % 100).padStart(2, '0')}`;
  return `${pence < 0 ? '-' : ''}£${digits}`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function sumText({ expected, effects, balance }: SumCheck, show: (value: number) => string): string {
  if (effects === expected && balance === expected) return `${show(expected)}, exact`;
  return `${show(effects)} in effects, ${show(balance)} in the balance, expected ${show(expected)}`;
}

function rowsOf({ input, run, audit }: DemoReport): readonly (readonly [string, string])[] {
  const others = Object.entries(audit.outcomes).filter(
    ([status]) => status !== 'completed' && status !== 'compensated',
  );
  const faults = wireFaults.map((kind) => `${kind} ${count(run.faults[kind])}`).join(' · ');
  return [
    ['orders', `${count(input.orders)} in ${count(input.lines)} lines, ${input.source}`],
    ['bad rows', input.badRowCount === 0 ? 'none' : `${count(input.badRowCount)}, left out`],
    ['completed', count(audit.outcomes['completed'] ?? 0)],
    ['compensated', count(audit.outcomes['compensated'] ?? 0)],
    ...others.map(([status, number]) => [status, count(number)] as const),
    [
      'throughput',
      `${count(Math.round(run.sagasPerSecond))} sagas/s in ${run.seconds.toFixed(1)} s, ${count(run.inFlight)} in flight`,
    ],
    ['latency', `p50 ${Math.round(run.p50Ms)} ms · p99 ${Math.round(run.p99Ms)} ms`],
    ['requests', count(run.requests)],
    ['faults', faults],
    ['kills', run.kills === 0 ? 'none' : `${count(run.kills)}, with ${count(run.interrupted)} orders in flight`],
    ['reserved', sumText(audit.totals.reservedQuantity, (value) => `${count(value)} pieces`)],
    ['charged', sumText(audit.totals.chargedPence, pounds)],
    ['shipped', sumText(audit.totals.shippedQuantity, (value) => `${count(value)} pieces`)],
    ['audit', `${count(audit.lost)} lost · ${count(audit.doubled)} doubled · ${count(audit.wrong)} wrong`],
  ];
}

/** The report for people: a small table, bad rows and findings, the verdict last. */
export function reportText(report: DemoReport, options: { readonly color: boolean }): string {
  const { audit, input } = report;
  const lines = rowsOf(report).map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  if (audit.givenUp > 0)
    lines.push(`  ${'given up'.padEnd(12)} ${count(audit.givenUp)} sales undone because attempts ran out`);
  const notes = [...input.badRows, ...audit.findings.map(({ kind, saga, message }) => `${kind}: ${saga}: ${message}`)];
  const paint = (text: string): string => (options.color ? `\u001B[${audit.ok ? 32 : 31}m${text}\u001B[0m` : text);
  const verdict = audit.ok ? 'audit OK: every order was completed, or made good' : 'audit NOT OK';
  return `${[...lines, ...notes.map((note) => `  ! ${note}`), paint(verdict)].join('\n')}\n`;
}
