import type { Position } from '../journal/journal.ts';
import { ProblemError } from '../wire/problem.ts';
import { textAnswer } from './answers.ts';
import { eventStream, type ReadPast } from './event-stream.ts';
import { ownId, sees } from './namespaces.ts';
import { type Asked, type Route, seesPayloads, type ServerParts } from './route.ts';
import { sagaOf } from './saga-of.ts';

function placeOf(asked: Asked): Position | undefined {
  const text = asked.request.headers.get('last-event-id');
  if (text === null || text === '') return undefined;
  const position = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw badPlace();
}

function badPlace(): ProblemError {
  return new ProblemError('bad-header', 'Expected Last-Event-ID to be the id of an event of this server');
}

/** One saga's records, those behind a place. Its history is whole, however old. */
function ofSaga({ tempo }: ServerParts, id: string, after: Position): ReadPast {
  return async () => (await tempo.placedHistory(id)).filter(({ position }) => position > after);
}

const nothing: ReadPast = () => Promise.resolve([]);

/** Refuses a place that is none before anything is sent. */
async function checkPlace({ tempo }: ServerParts, after: Position): Promise<void> {
  try {
    for await (const _ of tempo.recordsAfter(after)) return;
  } catch (error) {
    throw error instanceof RangeError ? badPlace() : error;
  }
}

/** `GET /v1/events`. */
export const watchEvents: Route = async (server, asked) => {
  const { principal } = asked;
  const named = asked.query['saga'] as string | undefined;
  const sagaId = named === undefined ? undefined : ownId(principal, named);
  const after = placeOf(asked);
  let readPast = nothing;
  if (sagaId !== undefined) {
    await sagaOf(server, sagaId);
    readPast = ofSaga(server, sagaId, after ?? -1);
  } else if (after !== undefined) {
    await checkPlace(server, after);
    readPast = () => server.tempo.recordsAfter(after);
  }
  const stillAllowed = (): boolean => {
    const again = asked.authenticateAgain();
    return (
      'principal' in again && again.principal.rights.has('read') && again.principal.namespace === principal.namespace
    );
  };
  const shows = (id: string): boolean => sees(principal, id);
  const watch = { sagaId, after, shows, payloads: seesPayloads(asked), stillAllowed };
  return textAnswer(eventStream(server, watch, readPast), 'text/event-stream');
};
