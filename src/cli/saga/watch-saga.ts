import type { MakegoodClient } from '../../client/makegood-client.ts';
import type { WireSagaView } from '../../wire/saga.ts';
import type { Paint } from '../paint.ts';
import { visibleJson } from '../visible.ts';
import { isEnd, recordText, sagaText } from './saga-text.ts';

/** Where a timeline is shown. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

/** How a watch is shown: lines of JSON, or for people. */
export interface WatchForm {
  readonly jsonl: boolean;
  readonly paint: Paint;
}

/** Draws a saga over what was drawn before (ECMA-48: CUU, ED). */
class Timeline {
  private readonly screen: Screen;
  private drawn = 0;

  constructor(screen: Screen) {
    this.screen = screen;
  }

  draw(text: string): void {
    const up = this.drawn === 0 ? '' : `\u001B[${this.drawn}A\u001B[J`;
    // More lines than the screen has cannot be drawn over: the last ones are the newest.
    const lines = text
      .trimEnd()
      .split('\n')
      .slice(-Math.max(1, (this.screen.rows ?? 24) - 1));
    this.screen.write(`${up}${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }
}

/**
 * Shows a saga until it ends or waits for a person: on a terminal as a timeline that draws itself again, elsewhere as a line
 * for each record.
 *
 * @returns the saga as it is then.
 */
export async function watchSaga(
  client: MakegoodClient,
  id: string,
  screen: Screen,
  { jsonl, paint }: WatchForm,
  signal: AbortSignal,
): Promise<WireSagaView> {
  let saga = await client.get(id, { signal });
  const live = screen.isTTY === true && !jsonl ? new Timeline(screen) : undefined;
  live?.draw(sagaText(saga, paint));
  for await (const record of client.events({ saga: id, signal })) {
    if (jsonl) screen.write(`${visibleJson(JSON.stringify(record))}\n`);
    else if (live === undefined) screen.write(recordText(record, paint));
    // The records that were there already are all in the first picture.
    if (record.seq < saga.seq) continue;
    saga = await client.get(id, { signal });
    live?.draw(sagaText(saga, paint));
    if ((isEnd(saga.status) || saga.status === 'needs-human') && record.seq >= saga.seq) break;
  }
  return saga;
}
