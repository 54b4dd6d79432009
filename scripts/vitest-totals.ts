import { readFileSync } from 'node:fs';

/** What a test run came to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  /** Tests that did not run: skipped or left as a plan. */
  readonly skipped: number;
  /** Files that could not even be loaded. */
  readonly brokenFiles: readonly string[];
  /** Full names of the skipped tests. */
  readonly skippedNames: readonly string[];
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Counts a report of vitest's JSON reporter test by test, rather than trusting its own sums. */
export function totalsOf(report: Report): Totals {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(({ status }) => status === 'failed').length,
    skipped: skipped.length,
    brokenFiles: report.testResults
      .filter(
        ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((it) => it.status === 'failed'),
      )
      .map(({ name }) => name),
    skippedNames: skipped.map(({ fullName }) => fullName),
  };
}

/** Reads the totals of a report file. */
export function readTotals(path: string): Totals {
  return totalsOf(JSON.parse(readFileSync(path, 'utf8')) as Report);
}

/**
 * Whether the run is red. A skipped test proves nothing, so where every service is at hand it counts as a failure.
 *
 * @param options.refuseSkips count skipped tests as failed.
 */
export function failuresOf(totals: Totals, options: { readonly refuseSkips: boolean }): number {
  return totals.failed + totals.brokenFiles.length + (options.refuseSkips ? totals.skipped : 0);
}
