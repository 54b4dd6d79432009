import type { Clock } from '../ports/clock.ts';

/** Where progress is shown: the part of a stream that is needed. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How far something is, in words and as a share from 0 to 1. */
export interface ProgressLine {
  readonly share: number;
  readonly text: string;
}

const redrawMs = 100;
const lineMs = 3000;
const cells = 24;

/** The words with a bar before them, cut to the width of the terminal. */
export function progressBar({ share, text }: ProgressLine, columns: number): string {
  const full = Math.floor(cells * share);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)} ${text}`.slice(0, Math.max(0, columns - 1));
}

/**
 * Shows progress: a bar that redraws itself on a terminal; anywhere else a plain line every few seconds, so that a log
 * file stays readable, or nothing.
 */
export class ProgressDisplay {
  private readonly stream: ProgressStream;
  private readonly clock: Clock;
  private readonly elsewhere: 'lines' | 'nothing';
  private readonly startedMs: number;
  private shownMs: number;

  constructor(stream: ProgressStream, clock: Clock, elsewhere: 'lines' | 'nothing' = 'lines') {
    this.stream = stream;
    this.clock = clock;
    this.elsewhere = elsewhere;
    this.startedMs = clock.monotonicMs();
    this.shownMs = stream.isTTY === true ? -Infinity : this.startedMs;
  }

  /** @param describe is called only when something is drawn. */
  show(describe: (elapsedMs: number) => ProgressLine): void {
    const nowMs = this.clock.monotonicMs();
    const onTerminal = this.stream.isTTY === true;
    if (!onTerminal && this.elsewhere === 'nothing') return;
    if (nowMs - this.shownMs < (onTerminal ? redrawMs : lineMs)) return;
    this.shownMs = nowMs;
    const line = describe(nowMs - this.startedMs);
    // Some terminals do not tell their width, or say 0.
    const columns = this.stream.columns || 80;
    // Return, draw, clear what an earlier and longer line left behind (ECMA-48 EL).
    if (onTerminal) this.stream.write(`\r${progressBar(line, columns)}\u001B[K`);
    else this.stream.write(`${line.text}\n`);
  }

  /** Takes the bar away, so that what follows begins on a clean line. */
  end(): void {
    if (this.stream.isTTY === true) this.stream.write('\r\u001B[K');
  }
}
