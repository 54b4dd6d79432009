import type { Clock } from '../../ports/clock.ts';

/** How far a run is. */
export interface RunProgress {
  readonly ended: number;
  readonly total: number;
  readonly kills: number;
}

/** Where progress is shown: the part of a stream that is needed. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawMs = 100;
const lineMs = 3000;

/** One line that says how far a run is: `1,200 of 2,000 orders · 60 % · 640/s · 3 kills`. */
export function progressText({ ended, total, kills }: RunProgress, elapsedMs: number): string {
  const percent = total === 0 ? 100 : Math.floor((100 * ended) / total);
  const rate = elapsedMs > 0 ? Math.round((1000 * ended) / elapsedMs) : 0;
  const killed = kills === 0 ? '' : ` · ${kills} ${kills === 1 ? 'kill' : 'kills'}`;
  return `${ended.toLocaleString('en')} of ${total.toLocaleString('en')} orders · ${percent} % · ${rate.toLocaleString('en')}/s${killed}`;
}

/** The same with a bar before it, cut to the width of the terminal. */
export function progressBar(progress: RunProgress, elapsedMs: number, columns: number): string {
  const cells = 24;
  const full = progress.total === 0 ? cells : Math.floor((cells * progress.ended) / progress.total);
  const bar = `${'█'.repeat(full)}${'░'.repeat(cells - full)} ${progressText(progress, elapsedMs)}`;
  return bar.slice(0, Math.max(0, columns - 1));
}

/**
 * Shows progress: a bar that redraws itself on a terminal, a plain line every few seconds anywhere else, so that a log
 * file stays readable.
 */
export class ProgressDisplay {
  private readonly stream: ProgressStream;
  private readonly clock: Clock;
  private readonly startedMs: number;
  private shownMs: number;

  constructor(stream: ProgressStream, clock: Clock) {
    this.stream = stream;
    this.clock = clock;
    this.startedMs = clock.monotonicMs();
    this.shownMs = stream.isTTY === true ? -Infinity : this.startedMs;
  }

  show(progress: RunProgress): void {
    const nowMs = this.clock.monotonicMs();
    const onTerminal = this.stream.isTTY === true;
    if (nowMs - this.shownMs < (onTerminal ? redrawMs : lineMs)) return;
    this.shownMs = nowMs;
    const elapsedMs = nowMs - this.startedMs;
    // Return, draw, clear what an earlier and longer line left behind (ECMA-48 EL).
    // Some terminals do not tell their width, or say 0.
    const columns = this.stream.columns || 80;
    if (onTerminal) this.stream.write(`\r${progressBar(progress, elapsedMs, columns)}\u001B[K`);
    else this.stream.write(`${progressText(progress, elapsedMs)}\n`);
  }

  /** Takes the bar away, so that what follows begins on a clean line. */
  end(): void {
    if (this.stream.isTTY === true) this.stream.write('\r\u001B[K');
  }
}
