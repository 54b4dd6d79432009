import type { SagaFilter, SagaPage } from '../journal/journal.ts';
import { isListed, listQuery } from '../journal/list-query.ts';
import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import { type SagaView, viewOf } from '../saga/view.ts';
import { SagaUnreadableError } from './saga-errors.ts';
import type { SagaRun } from './saga-run.ts';
import type { SagaList, SagaListItem } from './tempo.ts';

/**
 * Sagas of which only those who drive them know: unfinished, and such.
 *
 * @internal
 */
export function listRuns(
  runs: readonly SagaRun[],
  filter: SagaFilter,
  isSuch: (run: SagaRun, state: SagaState) => boolean,
): SagaList {
  const query = listQuery({ ...filter, status: undefined });
  const { limit } = query;
  const found = runs
    .flatMap((run) => (run.state !== undefined && isSuch(run, run.state) ? [{ run, state: run.state }] : []))
    .filter(({ state }) => isListed(query, state))
    .toSorted((left, right) => right.state.createdAt - left.state.createdAt);
  const start = Number(filter.cursor ?? 0);
  // A query asks for one more than its page shows.
  const end = start + limit - 1;
  const items = found.slice(start, end).map(({ run, state }) => itemOf(run, state));
  return end < found.length ? { items, nextCursor: String(end) } : { items };
}

/**
 * Where a saga stands for whoever asks: `blocked` when its definition is missing, or a record of it cannot be read.
 *
 * @internal
 */
export function statusOf({ blocked }: SagaRun, { status }: SagaState): SagaListItem['status'] {
  // One that was terminated waits for a person, and for no definition.
  return blocked && !isTerminal(status) ? 'blocked' : (status as SagaListItem['status']);
}

/**
 * A saga as whoever drives it knows it, if anybody does.
 *
 * @internal
 */
export function viewOfRun(run: SagaRun | undefined, state: SagaState): SagaView {
  if (run === undefined) return viewOf(state);
  const view: SagaView = { ...viewOf(state), status: statusOf(run, state) };
  const { trouble } = run;
  if (!(trouble instanceof SagaUnreadableError)) return view;
  return { ...view, reason: 'unreadable', failure: { code: trouble.code, message: trouble.reason } };
}

/** @internal */
export function has(run: SagaRun, state: SagaState, status: SagaListItem['status'] | undefined): boolean {
  return status === undefined || statusOf(run, state) === status;
}

const idleSteps: ReadonlySet<string> = new Set(['pending', 'confirmed', 'compensated', 'skipped']);

/**
 * Whether the saga is at a step: something of it goes on, or has gone wrong.
 *
 * @internal
 */
export function isAt({ steps }: SagaState, name: string): boolean {
  return steps.some((step) => step.name === name && !idleSteps.has(step.status));
}

function itemOf(run: SagaRun, state: SagaState): SagaListItem {
  const { id, name, version, createdAt, updatedAt } = state;
  return { id, name, version, status: statusOf(run, state), createdAt, updatedAt };
}

/**
 * Whether a line of the journal's list is one to show: what was deleted is not.
 *
 * @internal
 */
export function isShown(item: SagaPage['items'][number]): item is SagaPage['items'][number] & SagaListItem {
  return item.status !== 'deleted';
}
