import type { SagaListFilter } from '../tempo/tempo.ts';
import type { Duration } from '../time/duration.ts';
import { toMs } from '../time/duration.ts';
import { ProblemError } from '../wire/problem.ts';
import type { WireOutcome } from '../wire/saga.ts';
import { recordView, sagaLine, sagaView, wireTime } from '../wire/views.ts';
import { jsonAnswer } from './answers.ts';
import { prefixOf } from './namespaces.ts';
import { type Route, seesPayloads } from './route.ts';
import { sagaOf } from './saga-of.ts';
import { ended, untilEnded } from './until-ended.ts';

const longestWaitMs = 60_000;
const defaultLimit = 50;

const isTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

function timeOf(name: string, text: string | number | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = isTime.test(String(text)) ? Date.parse(String(text)) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new ProblemError('bad-query', `query parameter "${name}" must be a time such as ${wireTime(0)}`);
}

/** `GET /v1/sagas`. */
export const listSagas: Route = async ({ tempo }, { query, principal }) => {
  const { status, name, step, from, to, limit = defaultLimit, cursor } = query;
  const until = timeOf('to', to);
  const filter = {
    status,
    name,
    step,
    idPrefix: prefixOf(principal),
    since: timeOf('from', from),
    // Stamps are whole milliseconds, and the last one asked for counts.
    before: until === undefined ? undefined : until + 1,
    limit,
    cursor,
  } as SagaListFilter;
  if (cursor !== undefined && !/^\d{1,15}$/.test(String(cursor))) {
    throw new ProblemError('bad-query', 'query parameter "cursor" must be one that a list returned');
  }
  const page = await tempo.list(filter);
  return jsonAnswer(200, { ...page, items: page.items.map(sagaLine) });
};

/** `GET /v1/sagas/{id}`. */
export const getSaga: Route = async (server, asked) =>
  jsonAnswer(200, sagaView(await sagaOf(server, asked.params['id'] as string), seesPayloads(asked)));

/** `GET /v1/sagas/{id}/history`. */
export const getHistory: Route = async ({ tempo }, asked) => {
  const id = asked.params['id'] as string;
  const history = await tempo.placedHistory(id);
  if (history.length === 0) throw new ProblemError('saga-not-found', `there is no saga "${id}"`);
  return jsonAnswer(200, { items: history.map((placed) => recordView(placed, seesPayloads(asked))) });
};

function waitOf(text: string | number | undefined): number {
  if (text === undefined) return 0;
  try {
    const given = String(text);
    return Math.min(longestWaitMs, toMs((/^\d+$/.test(given) ? Number(given) : given) as Duration, 'wait'));
  } catch (error) {
    throw new ProblemError('bad-query', error instanceof Error ? error.message : String(error));
  }
}

/** `GET /v1/sagas/{id}/outcome`. */
export const getOutcome: Route = async (server, asked) => {
  const id = asked.params['id'] as string;
  const waitMs = waitOf(asked.query['wait']);
  const view = await untilEnded(server, { id, waitMs, signal: asked.request.signal });
  const { status, output, reason, failure, cancelReason } = view;
  const outcome: WireOutcome = {
    id,
    status,
    ...(output === undefined || !seesPayloads(asked) ? {} : { output }),
    ...(reason === undefined ? {} : { reason }),
    ...(failure === undefined ? {} : { failure }),
    ...(cancelReason === undefined ? {} : { cancelReason }),
  };
  return jsonAnswer(ended(view) ? 200 : 202, outcome);
};
