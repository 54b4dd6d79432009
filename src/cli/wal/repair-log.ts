import { FileLockedError } from '../../ports/file-locked-error.ts';
import type { Files } from '../../ports/files.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { Paint } from '../paint.ts';
import { applyRepair } from './apply-repair.ts';
import type { LogAudit } from './audit-facts.ts';
import { segmentName } from './log-listing.ts';
import { planRepair, type RepairPlan, type RepairStep } from './repair-plan.ts';
import { auditOrRefuse, auditWithArchives } from './survey-log.ts';

/** What acknowledged records a repair gives up. */
export interface RepairLoss {
  readonly fromPosition: number;
  /** Whole records behind the place, which are put aside with it; what is damaged itself comes on top. */
  readonly wholeRecords: number;
}

/** What `repair` found, would do, and did; its JSON document. */
export interface RepairReport {
  readonly path: string;
  readonly before: 'good' | 'damaged';
  readonly steps: readonly { readonly action: RepairStep['action']; readonly says: string }[];
  readonly loses: RepairLoss | undefined;
  /** What is wrong and is not mended, and what to do about it. */
  readonly left: readonly string[];
  /** Whether the steps were carried out. */
  readonly done: boolean;
  /** Files that hold what was replaced. */
  readonly aside: readonly string[];
  readonly after: 'good' | 'damaged';
}

/** What one is allowed to do. */
export interface RepairConsent {
  /** Change the log. */
  readonly yes: boolean;
  /** Give up records that were acknowledged, where there is no other way. */
  readonly acceptLoss: boolean;
}

function stepText(step: RepairStep): string {
  switch (step.action) {
    case 'write-journal':
      return 'JOURNAL: written again from the heads of the segments';
    case 'patch':
      return `${segmentName(step.seq)} at byte ${step.offset}: ${step.why}`;
    case 'set-aside':
      return `${segmentName(step.seq)}: prepared ahead and empty, put aside; another is made when it is needed`;
    case 'cut': {
      const others = [...step.later.map(segmentName), ...step.checkpoints];
      const rest = others.length === 0 ? '' : `, and so are ${others.join(', ')}`;
      if (step.offset === undefined) return `${segmentName(step.seq)}: put aside and made anew, empty${rest}`;
      return `${segmentName(step.seq)} from byte ${step.offset} on: put aside and cleared${rest}; the log ends there`;
    }
    case 'drop-checkpoint':
      return `${step.name}: put aside; opening begins at the one before it, or at the first segment`;
    case 'leave':
      return `${segmentName(step.seq)} at byte ${step.offset}: cannot be mended and does not hinder opening, which begins behind it at ${step.checkpoint}; left as it is`;
    case 'open':
      return 'the log is opened and closed: what a crash left unfinished is put aside and cleared, as at any start';
  }
}

async function lossOf(path: string, files: Files, plan: RepairPlan): Promise<RepairLoss | undefined> {
  const { losesFrom } = plan;
  if (losesFrom === undefined) return undefined;
  let wholeRecords = 0;
  await auditOrRefuse(path, { files, onRecord: ({ lsn }) => void (lsn >= losesFrom && wholeRecords++) });
  return { fromPosition: losesFrom, wholeRecords };
}

type Audited = Awaited<ReturnType<typeof auditWithArchives>>;

/** Archives are left as they are: what one holds is nowhere else, and there is nothing to make it from. */
function archivesLeft({ archived }: Audited, { losesFrom }: RepairPlan): readonly string[] {
  const files = new Set(archived.damages.map(({ file }) => file));
  const left = Array.from(
    files,
    (file) =>
      `${file}: damaged or missing, and not mended. An archive never changes: the file of this name from any backup of this log is it`,
  );
  const end = archived.archives.at(-1)?.to ?? 0;
  if (losesFrom !== undefined && losesFrom < end)
    left.push(`archives up to position ${end}: not cut; a journal is refused whose log ends before its archive`);
  return left;
}

function verdictOf({ audit, archived }: Audited): 'good' | 'damaged' {
  return audit.damages.length + archived.damages.length === 0 ? 'good' : 'damaged';
}

async function apply(path: string, files: Files, audit: LogAudit, plan: RepairPlan): Promise<readonly string[]> {
  const { journal } = audit;
  if (journal === undefined) return [];
  try {
    return await applyRepair(path, plan, { files, journal });
  } catch (error) {
    if (!(error instanceof FileLockedError)) throw error;
    throw new CommandError(`${error.message}; nothing was changed`, exitCodes.conflict, { cause: error });
  }
}

/**
 * Says what can be done about a log, and does it with consent. Without `yes` nothing is changed; without `acceptLoss`
 * nothing that was acknowledged is given up, and then nothing else is done either.
 */
export async function repairLog(
  path: string,
  options: { readonly files: Files; readonly consent: RepairConsent; readonly signal?: AbortSignal },
): Promise<RepairReport> {
  const { files, consent } = options;
  const audited = await auditWithArchives(path, options);
  const { audit } = audited;
  const before = verdictOf(audited);
  const plan = await planRepair(audit, files);
  if (plan === undefined)
    throw new CommandError(
      `nothing can be done about "${path}": what is damaged is nowhere else; restore a backup`,
      exitCodes.failed,
    );
  const steps = plan.steps.map((step) => ({ action: step.action, says: stepText(step) }));
  const loses = await lossOf(path, files, plan);
  const done = steps.length > 0 && consent.yes && (loses === undefined || consent.acceptLoss);
  const aside = done ? await apply(path, files, audit, plan) : [];
  const after = done ? verdictOf(await auditWithArchives(path, options)) : before;
  return { path, before, steps, loses, left: archivesLeft(audited, plan), done, aside, after };
}

function lossText({ fromPosition, wholeRecords }: RepairLoss): string {
  return `acknowledged records from position ${fromPosition} on are given up: ${wholeRecords.toLocaleString('en')} whole ones and whatever is damaged; a backup is better`;
}

function nextText({ steps, loses, done }: RepairReport): string {
  if (done || steps.length === 0) return '';
  return loses === undefined
    ? 'nothing was changed; --yes does it'
    : 'nothing was changed; --yes --accept-loss does it, and nothing less does any of it';
}

/** What `makegood wal repair` prints. */
export function repairText(report: RepairReport, paint: Paint): string {
  const { path, steps, loses, left, done, aside, after } = report;
  if (steps.length === 0 && left.length === 0) return `${paint('good', '✓ nothing to repair')}  ${path}\n`;
  const lines = steps.map(({ says }) => `${done ? paint('good', '✓ done') : paint('caution', '→ would')}  ${says}`);
  if (loses !== undefined) lines.push(`${paint('bad', '× loss')}  ${lossText(loses)}`);
  for (const text of left) lines.push(`${paint('bad', '× left')}  ${text}`);
  if (aside.length > 0) lines.push(`put aside: ${aside.join(', ')}`);
  const still = left.length > 0 ? '× still damaged: see what is left' : '× still damaged; run it again';
  if (done) lines.push(after === 'good' ? paint('good', '✓ good') : paint('bad', still));
  lines.push(nextText(report));
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}
