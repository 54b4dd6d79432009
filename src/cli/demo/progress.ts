import type { ProgressLine } from '../progress-display.ts';

/** How far a run is. */
export interface RunProgress {
  readonly ended: number;
  readonly total: number;
  readonly kills: number;
}

/** How far a run is, as it is shown: `1,200 of 2,000 orders · 60 % · 640/s · 3 kills`. */
export function runProgressLine({ ended, total, kills }: RunProgress, elapsedMs: number): ProgressLine {
  const share = total === 0 ? 1 : ended / total;
  const rate = elapsedMs > 0 ? Math.round((1000 * ended) / elapsedMs) : 0;
  const killed = kills === 0 ? '' : ` · ${kills} ${kills === 1 ? 'kill' : 'kills'}`;
  const percent = Math.floor(100 * share);
  const text = `${ended.toLocaleString('en')} of ${total.toLocaleString('en')} orders · ${percent} % · ${rate.toLocaleString('en')}/s${killed}`;
  return { share, text };
}
