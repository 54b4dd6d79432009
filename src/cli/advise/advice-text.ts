import type { AdviceDetails, PathStep } from '../../advisor/advise.ts';
import type { Decision } from '../../advisor/advise-type.ts';
import type { Facts } from '../../advisor/facts.ts';
import { modeOf } from '../../advisor/rules.ts';
import type { Paint } from '../paint.ts';
import type { Measured, Measurement } from './measure-machine.ts';

type Advised = AdviceDetails & Decision;

function round(ms: number): string {
  return `${Math.round(ms * 100) / 100} ms`;
}

function factsText(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(' · ');
}

/** One row of the table as a place on the way down: `○` passed by, `●` where it turned. */
function stepLines({ rule, fits, asked }: PathStep, isLast: boolean, paint: Paint): string[] {
  const answers = asked.map(({ trait, answer }) => `${trait} ${answer}`).join(' · ');
  const name = rule.padEnd(30);
  if (!fits) return [paint('quiet', `  │ ○ ${name}${answers}`)];
  const sign = isLast ? paint('good', '●') : paint('caution', '●');
  const branch = isLast ? '╰─' : '├─';
  return [`  ${branch}${sign} ${paint('strong', name)}${answers === '' ? 'everything else' : answers}`];
}

function pathLines({ path, reasons }: Advised, paint: Paint, explain: boolean): string[] {
  const turns = path.filter(({ fits }) => fits);
  return path.flatMap((step) => {
    const turn = turns.indexOf(step);
    const isLast = turn === turns.length - 1;
    const lines = stepLines(step, isLast, paint);
    const reason = reasons[turn];
    if (!explain || turn === -1 || reason === undefined) return lines;
    const edge = isLast ? ' ' : '│';
    const questions = step.asked.map(({ question, answer }) => `  ${edge}     ${question} ${answer}`);
    return [
      ...lines,
      ...questions,
      `  ${edge}     because ${reason.text}`,
      paint('quiet', `  ${edge}     source: ${reason.source}`),
    ];
  });
}

function decisionLines(advice: Advised, paint: Paint): string[] {
  const { possible, mode, consistency, fallback, offer, reasons } = advice;
  const fallbackText = fallback === 'none' ? '' : `, and while cut off ${fallback} (${modeOf['ap-compensated']})`;
  const verdict = `${paint('strong', mode)}, consistency ${paint('strong', consistency)}${fallbackText}`;
  if (possible) return [`${paint('good', '✓ run it as')} ${verdict}`];
  const offers = Object.entries(offer).map(([name, value]) => `${name}: ${String(value)}`);
  return [
    `${paint('bad', '✗ these facts cannot be had together:')} ${reasons[0]?.text ?? ''}`,
    `${paint('caution', '→ the nearest offer:')} ${offers.join(', ')}`,
    `  then run it as ${verdict}`,
  ];
}

function budgetLines({ budget, facts }: Advised, paint: Paint): string[] {
  const { quorumWrites, localWrites, participantCalls, neededMs, limitMs, spareMs, fits, assumed, offer } = budget;
  const parts = [
    quorumWrites > 0 ? `${quorumWrites} quorum writes` : '',
    localWrites > 0 ? `${localWrites} local writes` : '',
    `${participantCalls} calls`,
  ].filter((part) => part !== '');
  const sum = `${parts.join(' + ')} need ${round(neededMs)} of ${round(limitMs)}`;
  const end = fits
    ? paint('good', `✓ ${round(spareMs)} to spare`)
    : paint('bad', `✗ ${round(-spareMs)} too much; ${offer ?? facts.sla} would be kept`);
  const lines = [`budget  ${sum}  ${end}`];
  if (assumed.length > 0) lines.push(paint('quiet', `        assumed, not measured: ${assumed.join(', ')}`));
  return lines;
}

function measuredLine(name: string, { samples, p50Ms, p99Ms, maxMs }: Measured): string {
  return `  ${name.padEnd(30)}p50 ${round(p50Ms)}  p99 ${round(p99Ms)}  max ${round(maxMs)}  (${samples} samples)`;
}

function measurementLines({ log, urls, facts }: Measurement): string[] {
  const lines = ['measured', measuredLine('durable append', log)];
  for (const [url, measured] of Object.entries(urls)) lines.push(measuredLine(url, measured));
  return [...lines, `  facts: ${factsText(facts as Facts)}`, ''];
}

/** Advice for people: the way through the table, the decision, and what it costs. */
export function adviceText(
  given: Facts,
  advice: Advised,
  options: { readonly paint: Paint; readonly explain: boolean; readonly measurement: Measurement | undefined },
): string {
  const { paint, explain, measurement } = options;
  const lines = [
    ...(measurement === undefined ? [] : measurementLines(measurement)),
    factsText(given),
    '  │',
    ...pathLines(advice, paint, explain),
    '',
    ...decisionLines(advice, paint),
    ...budgetLines(advice, paint),
  ];
  if (explain)
    lines.push(
      '',
      'settings',
      ...JSON.stringify(advice.config, null, 2)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  return `${lines.join('\n')}\n`;
}
