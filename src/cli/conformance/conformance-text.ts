import type { ConformanceReport, ConformanceResult } from '../../conformance/run-conformance.ts';
import type { Paint, Tone } from '../paint.ts';
import { visible } from '../visible.ts';

function signOf({ status, level }: ConformanceResult): readonly [Tone, string] {
  if (status === 'passed') return ['good', '✓'];
  if (status === 'skipped') return ['quiet', '-'];
  return level === 'must' ? ['bad', '×'] : ['caution', '!'];
}

/** One check, a line; and when it failed what was seen, what to do, and what was said last. */
export function resultLines(result: ConformanceResult, paint: Paint): string[] {
  const { group, name, proves, status, reason, advice, exchanges = [] } = result;
  const [tone, sign] = signOf(result);
  const head = `${paint(tone, sign)} ${group.padEnd(12)} ${name.padEnd(28)} `;
  if (status === 'passed') return [`${head} ${proves}`];
  if (status === 'skipped') return [`${head} ${paint('quiet', `skipped: ${reason}`)}`];
  return [
    `${head} ${proves}`,
    `    ${paint('strong', 'seen')}    ${visible(reason ?? '')}`,
    `    ${paint('strong', 'look at')} ${advice}`,
    ...exchanges.map((exchange) => `    ${paint('quiet', visible(exchange))}`),
  ];
}

/** The verdict, and what was not looked at. */
export function verdictLines(report: ConformanceReport, paint: Paint): string[] {
  const { url, verdict, effects, passed, failed, advised, skipped } = report;
  const counts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(advised > 0 ? [`${advised} advised`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  const word = verdict === 'conforms' ? paint('good', '✓ conforms') : paint('bad', '× fails');
  const blind =
    effects === 'counted'
      ? []
      : [`${paint('caution', '! note')} effects were not counted: a second one behind a right answer was not seen`];
  return [`${word}  ${url}: ${counts.join(', ')}`, ...blind];
}
