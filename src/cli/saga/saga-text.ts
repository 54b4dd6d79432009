/** Sagas as people read them in a terminal. */
import type {
  WireAttentionItem,
  WireRecord,
  WireSagaLine,
  WireSagaView,
  WireStatus,
  WireStepView,
} from '../../wire/saga.ts';
import type { Paint, Tone } from '../paint.ts';
import { visible } from '../visible.ts';

interface Look {
  readonly sign: string;
  readonly tone: Tone;
}

const looks: Readonly<Record<string, Look>> = {
  running: { sign: '▶', tone: 'strong' },
  waiting: { sign: '…', tone: 'quiet' },
  pending: { sign: '·', tone: 'quiet' },
  confirmed: { sign: '✔', tone: 'good' },
  completed: { sign: '✔', tone: 'good' },
  compensating: { sign: '◀', tone: 'caution' },
  compensated: { sign: '↩', tone: 'caution' },
  skipped: { sign: '−', tone: 'quiet' },
  failed: { sign: '✘', tone: 'bad' },
  unknown: { sign: '?', tone: 'caution' },
  'needs-human': { sign: '!', tone: 'bad' },
  blocked: { sign: '!', tone: 'bad' },
  terminated: { sign: '■', tone: 'bad' },
};

/** A state as a sign and a word. */
function stateText(state: string, paint: Paint): string {
  const { sign, tone } = looks[state] ?? { sign: ' ', tone: 'quiet' };
  return paint(tone, `${sign} ${state}`);
}

/** Columns as wide as their widest cell; the last is as long as it likes. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, width(cell))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
      )
      .join('  ');
  return rows.map((row) => `${line(row)}\n`).join('');
}

// Colours take no room (ECMA-48 SGR).
// oxlint-disable-next-line eslint/no-control-regex -- the escape is what is looked for
const colours = /\u001B\[\d+m/g;
const width = (cell: string): number => cell.replaceAll(colours, '').length;

/** A list of sagas. */
export function listText(items: readonly WireSagaLine[], paint: Paint): string {
  if (items.length === 0) return 'no sagas\n';
  return table(items.map(({ id, name, status, createdAt }) => [id, name, stateText(status, paint), createdAt]));
}

function span(from: string, to: string): string {
  const ms = Date.parse(to) - Date.parse(from);
  return ms < 10_000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`;
}

function timesOf({
  startedAt,
  endedAt,
  nextAttemptAt,
}: Pick<WireStepView, 'startedAt' | 'endedAt' | 'nextAttemptAt'>): string {
  if (startedAt !== undefined && endedAt !== undefined) return span(startedAt, endedAt);
  return nextAttemptAt === undefined ? '' : `next at ${nextAttemptAt.slice(11, 23)}`;
}

function attemptsText(attempts: number): string {
  return attempts === 0 ? '' : `${attempts} attempt${attempts === 1 ? '' : 's'}`;
}

function stepRows(step: WireStepView, paint: Paint): readonly (readonly string[])[] {
  const { name, state, attempts, failure, compensation } = step;
  const why = failure === undefined ? '' : paint('bad', visible(`${failure.code}: ${failure.message}`));
  const rows = [['', visible(name), stateText(state, paint), attemptsText(attempts), timesOf(step), why]];
  if (compensation.attempts > 0) {
    const undone = compensation.failure === undefined ? '' : paint('bad', visible(compensation.failure.message));
    rows.push([
      '',
      `  undo`,
      stateText(compensation.state, paint),
      attemptsText(compensation.attempts),
      timesOf(compensation),
      undone,
    ]);
  }
  return rows;
}

/** A saga with its steps, as a timeline. */
export function sagaText(saga: WireSagaView, paint: Paint): string {
  const { id, name, version, status, reason, cancelReason, failure, createdAt, updatedAt, steps, output } = saga;
  const because = [reason, cancelReason]
    .filter((word) => word !== undefined)
    .map(visible)
    .join(': ');
  const head = `${paint('strong', id)}  ${name} ${version}  ${stateText(status, paint)}${because === '' ? '' : ` (${because})`}\n`;
  const times = paint('quiet', `since ${createdAt}, ${span(createdAt, updatedAt)}`);
  const wrong =
    failure === undefined
      ? ''
      : `${paint('bad', visible(`${failure.step ?? 'the saga'}: ${failure.message} (${failure.code})`))}\n`;
  const result = output === undefined ? '' : `output ${visible(JSON.stringify(output))}\n`;
  return `${head}${times}\n${table(steps.flatMap((step) => stepRows(step, paint)))}${wrong}${result}`;
}

const shownFacts: ReadonlySet<string> = new Set([
  'offset',
  'sagaId',
  'seq',
  'epoch',
  'time',
  'type',
  'step',
  'attempt',
  'plan',
  'definition',
  'steps',
]);

/** One record as a line. */
export function recordText(record: WireRecord, paint: Paint): string {
  const { time, type, step, attempt } = record;
  const facts = Object.entries(record).filter(([key, value]) => !shownFacts.has(key) && value !== undefined);
  const rest = facts.map(([key, value]) => `${key}=${visible(JSON.stringify(value))}`).join(' ');
  const where =
    step === undefined ? '' : ` ${visible(step)}${attempt === undefined || attempt === 0 ? '' : ` #${attempt}`}`;
  return `${paint('quiet', time.slice(11, 23))} ${paint('strong', type)}${where}${rest === '' ? '' : ` ${paint('quiet', rest)}`}\n`;
}

/** The queue of what waits for a person. */
export function attentionText(items: readonly WireAttentionItem[], paint: Paint): string {
  if (items.length === 0) return 'nothing waits for a person\n';
  const rows = items.map(({ sagaId, sagaName, step, reason, since, lastFailure }) => {
    const why = lastFailure === undefined ? '' : visible(`${lastFailure.code}: ${lastFailure.message}`);
    return [
      paint('strong', sagaId),
      sagaName,
      step === null ? '-' : visible(step),
      paint('bad', `! ${reason}`),
      since,
      why,
    ];
  });
  const hint = 'decide: makegood saga retry|retry-with|resolve|skip|forward SAGA [STEP] --note "…"\n';
  return `${table(rows)}${paint('quiet', hint)}`;
}

/** Whether a saga has come to an end that nothing follows. */
export function isEnd(status: WireStatus): boolean {
  return status === 'completed' || status === 'compensated' || status === 'terminated';
}
