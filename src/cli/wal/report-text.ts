import { byteSize } from '../byte-size.ts';
import type { Paint } from '../paint.ts';
import { visible } from '../visible.ts';
import type { ArchiveDamage } from './archive-audit.ts';
import type { AuditedSegment, Damage } from './audit-facts.ts';
import { segmentName } from './log-listing.ts';
import type { LiveSaga } from './saga-survey.ts';
import type { LogReport } from './survey-log.ts';

const cells = 32;
const sagasShown = 20;
const count = (value: number): string => value.toLocaleString('en');

function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function time(ms: number | undefined): string {
  // Beyond what a date can hold (ECMA-262, 21.4.1.1) the number itself is the best there is.
  if (ms === undefined) return '';
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** What a segment is filled with: used, damaged somewhere in it, free. */
function bar(segment: AuditedSegment, damages: readonly Damage[], paint: Paint): string {
  const at = (offset: number): number => Math.min(cells - 1, Math.floor((cells * offset) / Math.max(1, segment.bytes)));
  const hurt = new Set(damages.filter(({ seq }) => seq === segment.seq).map(({ offset }) => at(offset)));
  const full = segment.records === 0 ? 0 : at(segment.usedBytes) + 1;
  return Array.from({ length: cells }, (_, cell) => {
    if (hurt.has(cell)) return paint('bad', '×');
    return cell < full ? '█' : paint('quiet', '░');
  }).join('');
}

function segmentLines(report: LogReport, paint: Paint): string[] {
  return report.segments.map((segment) => {
    const { seq, usedBytes, batches, records, firstLsn, firstTime, lastTime } = segment;
    const name = segmentName(seq);
    const picture = bar(segment, report.damages, paint);
    if (segment.bytes === 0) return `  ${name}  ${paint('bad', 'missing')}`;
    if (firstLsn === undefined) return `  ${name}  ${picture}  ${paint('quiet', 'prepared ahead, empty')}`;
    const facts = `${byteSize(usedBytes)}, ${plural(records, 'record')} in ${plural(batches, 'batch', 'batches')} from position ${firstLsn}`;
    return `  ${name}  ${picture}  ${facts}\n${' '.repeat(24)}${paint('quiet', `${time(firstTime)} to ${time(lastTime)}`)}`;
  });
}

function checkpointLines({ checkpoints }: LogReport, paint: Paint): string[] {
  return checkpoints.map(({ name, lsn, records, bytes, createdAt, problem }) => {
    if (problem !== undefined) return `  ${name}  ${paint('bad', 'damaged')}`;
    return `  ${name}  at position ${lsn}, ${plural(records, 'record')}, ${byteSize(bytes)}, ${paint('quiet', time(createdAt))}`;
  });
}

function archiveLines({ archives }: LogReport, paint: Paint): string[] {
  const [oldest] = archives;
  if (oldest === undefined) return ['archive  none'];
  const sum = (key: 'bytes' | 'records' | 'finished' | 'tombstones'): number =>
    archives.reduce((total, archive) => total + archive[key], 0);
  const ends = archives.flatMap(({ firstEnd, lastEnd }) => [firstEnd ?? [], lastEnd ?? []].flat());
  const purged = sum('tombstones') === 0 ? '' : ` and ${plural(sum('tombstones'), 'purged one')}`;
  const sagas = `${plural(sum('finished'), 'finished saga')}${purged}, ${plural(sum('records'), 'record')}`;
  const range = `positions ${oldest.from} to ${archives.at(-1)?.to ?? 0}`;
  const span = ends.length === 0 ? '' : `, ended ${time(Math.min(...ends))} to ${time(Math.max(...ends))}`;
  const hurt = archives.filter(({ damages }) => damages.length > 0);
  return [
    `archive  ${plural(archives.length, 'file')}, ${byteSize(sum('bytes'))}: ${sagas}, ${range}${paint('quiet', span)}`,
    ...hurt.map(({ name }) => `  ${name}  ${paint('bad', 'damaged')}`),
  ];
}

function reserveText({ reserve, segmentBytes }: LogReport): string {
  return reserve ? `${byteSize(segmentBytes ?? 0)}, for a disk without room` : 'none: used up, or not yet made';
}

function lockText({ lock }: LogReport): string {
  if (lock.state === 'held') return `held by ${lock.by ?? 'a process'}; it goes on while this is read`;
  if (lock.state === 'unknown') return `perhaps held by ${lock.by ?? 'a process'}; this system does not tell`;
  return 'free';
}

const endWords = {
  sealed: 'closed in order',
  marked: 'everything before it is known to be durable',
  'goes-on': 'the writer has gone on beyond what was there at the beginning',
  unmarked: 'no mark: the last batch may have been cut short by a crash',
} as const;

function archiveDamageLine(damage: ArchiveDamage, paint: Paint): string {
  const { file, offset, what, recordsBefore, recordsAfter, wholeFrom } = damage;
  const again = wholeFrom === undefined ? '' : ` from byte ${wholeFrom} on`;
  const around = `${plural(recordsBefore, 'record')} before it can be read, ${count(recordsAfter)} behind it${again}`;
  return `${paint('bad', '× damage')} ${file} at byte ${offset}: ${what}; ${around}`;
}

/** What is wrong, a line each; nothing when all is good. */
export function damageLines(report: Pick<LogReport, 'damages' | 'archiveDamages' | 'sagas'>, paint: Paint): string[] {
  const lines = report.damages.map(({ file, offset, what, readableAfter, kind }) => {
    const after =
      kind !== 'batch'
        ? ''
        : readableAfter === undefined
          ? '; nothing behind it in this segment is whole'
          : `; whole again from position ${readableAfter}`;
    return `${paint('bad', '× damage')} ${file} at byte ${offset}: ${what}${after}`;
  });
  for (const damage of report.archiveDamages) lines.push(archiveDamageLine(damage, paint));
  for (const { lsn, what } of report.sagas.unfit) lines.push(`${paint('bad', '× record')} at position ${lsn}: ${what}`);
  return lines;
}

/** What is not wrong, and yet worth a word. */
function noteLines(report: LogReport, paint: Paint): string[] {
  const lines: string[] = [];
  const note = (text: string): void => void lines.push(`${paint('caution', '! note')} ${text}`);
  const { torn, unfinished, foreign, sagas } = report;
  if (torn !== undefined && report.lock.state !== 'held')
    note(
      `${torn.file} at byte ${torn.offset}: ${plural(torn.bytes, 'byte')} of a write that was cut short; never acknowledged, put aside and cleared at the next opening`,
    );
  if (unfinished.length > 0)
    note(`${unfinished.join(', ')}: being made when the process ended; removed at the next opening`);
  if (foreign.length > 0) note(`${foreign.map(visible).join(', ')}: not of the log, left alone`);
  if (sagas.partial) note('records are missing, so what is said of sagas is not the whole truth');
  return lines;
}

function sagaLines({ sagas }: LogReport, paint: Paint): string[] {
  if (sagas.foreign) return ['sagas    none: these are the records of something else'];
  const shown = sagas.live.slice(0, sagasShown);
  const width = Math.max(0, ...shown.map(({ id }) => id.length));
  const line = (saga: LiveSaga): string =>
    `  ${visible(saga.id).padEnd(width)}  ${visible(saga.name)} ${paint('strong', saga.status)}, ${plural(saga.records, 'record')}, since ${time(saga.startedAt)}`;
  const more = sagas.live.length - shown.length;
  return [
    `sagas    ${count(sagas.live.length)} live, ${count(sagas.finished)} finished`,
    ...shown.map(line),
    ...(more > 0 ? [`  … and ${count(more)} more; --json lists them all`] : []),
  ];
}

/** A log as a picture in text: what `makegood wal inspect` prints. */
export function inspectText(report: LogReport, paint: Paint): string {
  const { path, journalId, createdAt, segmentBytes, end, checkpoints, aside } = report;
  const identity =
    journalId === undefined ? paint('bad', 'JOURNAL cannot be read') : `id ${journalId}, made ${time(createdAt)}`;
  return [
    `${paint('strong', path)}  ${identity}, segments of ${byteSize(segmentBytes ?? 0)}`,
    `lock     ${lockText(report)}`,
    `records  ${count(report.records)} in ${plural(report.batches, 'batch', 'batches')}`,
    `end      position ${end.lsn}; ${endWords[end.how]}`,
    'segments',
    ...segmentLines(report, paint),
    ...(checkpoints.length === 0 ? ['checkpoints  none'] : ['checkpoints', ...checkpointLines(report, paint)]),
    ...archiveLines(report, paint),
    `reserve  ${reserveText(report)}`,
    ...(aside.length === 0 ? [] : [`aside    ${aside.join(', ')}`]),
    ...sagaLines(report, paint),
    ...damageLines(report, paint),
    ...noteLines(report, paint),
    '',
  ].join('\n');
}

/** The verdict and its grounds: what `makegood wal verify` prints. */
export function verifyText(report: LogReport, paint: Paint): string {
  const { verdict, path, records, segments, archives, end } = report;
  const read = `${plural(records, 'record')} in ${plural(segments.length, 'segment')} up to position ${end.lsn}`;
  const archivedRecords = archives.reduce((total, archive) => total + archive.records, 0);
  const archived =
    archives.length === 0 ? '' : `; ${plural(archivedRecords, 'record')} in ${plural(archives.length, 'archive')}`;
  const word = verdict === 'good' ? paint('good', '✓ good') : paint('bad', '× damaged');
  const next = verdict === 'good' ? [] : [`"makegood wal repair --dry-run ${path}" says what can be done`];
  return [
    `${word}  ${path}: ${read}${archived}`,
    ...damageLines(report, paint),
    ...noteLines(report, paint),
    ...next,
    '',
  ].join('\n');
}
