import type { KeptWorld } from '../../testing/simulation/kept-world.ts';
import type { SimulationReport } from '../../testing/simulation/simulate.ts';

function count(value: number): string {
  return value.toLocaleString('en');
}

/** A report as people read it. */
export function reportLines(report: SimulationReport): readonly string[] {
  const { seed, profile, counts, events, elapsedMs, faultsByClass, traceHash, violation } = report;
  const faults = Object.entries(faultsByClass).map(([kind, many]) => `${many} ${kind}`);
  const ends = `${count(counts.completed)} completed, ${count(counts.compensated)} undone, ${count(counts.terminated)} terminated`;
  return [
    `seed ${seed}, profile ${profile}: ${(elapsedMs / 3_600_000).toFixed(2)} simulated hours, trace ${traceHash}`,
    `${count(counts.started)} sagas (${ends}), ${count(counts.records)} records, ${count(counts.calls)} calls`,
    `${count(events)} events, ${counts.recoveries} openings of the journal`,
    `faults: ${faults.length === 0 ? 'none' : faults.join(', ')}`,
    violation === undefined
      ? 'every invariant held'
      : `VIOLATED at ${(violation.at / 1000).toFixed(3)} s: ${violation.invariant}${violation.sagaId === undefined ? '' : ` (saga ${violation.sagaId})`}: ${violation.message}`,
  ];
}

/** Whether a run that was kept is still the same. */
export function replayLine(kept: KeptWorld, { traceHash }: SimulationReport): string {
  const { traceHash: before, found } = kept;
  const what = found === undefined ? 'nothing was found' : `"${found}" was found`;
  if (traceHash === before) return `the same run to the bit as when ${what}`;
  return `another run than when ${what}: its trace was ${before ?? 'not written down'}`;
}
