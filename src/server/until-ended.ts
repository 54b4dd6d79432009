import type { SagaView } from '../saga/view.ts';
import { isTerminal } from '../saga/status.ts';
import { sagaOf } from './saga-of.ts';
import type { ServerParts } from './route.ts';
import type { RecordEvent } from './saga-feed.ts';

/** Whether a saga has come to its end: a wait for a person is none. */
export function ended({ status }: SagaView): boolean {
  return status !== 'blocked' && isTerminal(status);
}

const lastRecords: ReadonlySet<string> = new Set(['saga-completed', 'saga-compensated', 'saga-terminated']);

/** Resolves with a saga when it ends, or as it is when there is no time left to wait for that. */
function nextEnd(server: ServerParts, wait: Wait): { ends: Promise<SagaView>; forget: () => void } {
  const { feed, clock, closing } = server;
  const { promise, resolve } = Promise.withResolvers<SagaView>();
  // Looked up in the turn in which its last record is told: it is still in memory then, and a moment later in the log alone.
  const end = (): void => resolve(sagaOf(server, wait.id));
  const timer = clock.setTimer(wait.waitMs, end);
  const stop = feed.listen(wait.id, ({ record }: RecordEvent) => {
    if (lastRecords.has(record.type)) end();
  });
  const signals = [wait.signal, closing];
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  const forget = (): void => {
    clock.clearTimer(timer);
    stop();
    for (const signal of signals) signal.removeEventListener('abort', end);
  };
  return { ends: promise, forget };
}

interface Wait {
  readonly id: string;
  readonly waitMs: number;
  /** Aborts when whoever asked has gone. */
  readonly signal: AbortSignal;
}

/** A saga at its end, or as it is when the time to wait is over. */
export async function untilEnded(server: ServerParts, wait: Wait): Promise<SagaView> {
  // Listening first: the end may come while the saga is looked up.
  const { ends, forget } = nextEnd(server, wait);
  try {
    const view = await sagaOf(server, wait.id);
    if (ended(view) || wait.waitMs === 0) return view;
    return await ends;
  } finally {
    forget();
  }
}
