import type { JournalFile, SegmentHeader } from '../../wal/segment-header.ts';
import type { Damage } from './audit-facts.ts';

/** What is wrong with a segment as a whole. */
export type HeadProblem = Pick<Damage, 'kind' | 'offset' | 'what'>;

/**
 * Holds a segment against its name and its log.
 *
 * @param head what its head says, or in words why it says nothing.
 * @returns what is wrong, the worst last.
 */
export function judgeHead(
  segment: { readonly seq: number; readonly bytes: number },
  head: SegmentHeader | string,
  { segmentBytes, journalId }: JournalFile,
): readonly HeadProblem[] {
  const { seq, bytes } = segment;
  const problems: HeadProblem[] = [];
  if (bytes !== segmentBytes) {
    const what = `it is ${bytes} bytes long instead of ${segmentBytes}`;
    problems.push({ kind: 'size', offset: Math.min(bytes, segmentBytes), what });
  }
  if (typeof head === 'string') problems.push({ kind: 'head', offset: 0, what: `its head cannot be used: ${head}` });
  else if (head.seq !== seq)
    problems.push({ kind: 'foreign', offset: 0, what: `it holds segment ${head.seq} instead of ${seq}` });
  else if (!head.journalId.every((byte, index) => byte === journalId[index]))
    problems.push({ kind: 'foreign', offset: 0, what: 'it belongs to another log' });
  return problems;
}
