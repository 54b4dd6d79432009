import { uniqueId } from '../ports/random.ts';
import type { Saga, SagaDefinition } from '../saga/definition.ts';
import { paths } from '../wire/paths.ts';
import { ProblemError } from '../wire/problem.ts';
import type { RestartRequest, StartRequest } from '../wire/requests.ts';
import { sagaView } from '../wire/views.ts';
import { jsonAnswer } from './answers.ts';
import { checkHeaders } from './check-headers.ts';
import { ownId } from './namespaces.ts';
import { type Asked, type Route, seesPayloads, type ServerParts } from './route.ts';
import { sagaOf } from './saga-of.ts';
import { withTrace } from './trace-headers.ts';
import { ended } from './until-ended.ts';

const longestId = 200;

function registered({ sagas }: ServerParts, { name, version }: Pick<StartRequest, 'name' | 'version'>): SagaDefinition {
  const found = sagas.findLast((saga) => saga.name === name && (version === undefined || saga.version === version));
  if (found !== undefined) return found;
  const known = [...new Set(sagas.map((saga) => saga.name))].slice(0, 20).join(', ');
  const wanted = version === undefined ? `"${name}"` : `"${name}" of version "${version}"`;
  const hint = known === '' ? 'none is; send `steps`' : `these are: ${known}; or send \`steps\``;
  throw new ProblemError('unknown-saga', `no saga ${wanted} is registered: ${hint}`);
}

/** `POST /v1/sagas`. */
export const startSaga: Route = async (server, asked) => {
  const body = asked.body as unknown as StartRequest;
  const { id: given = uniqueId(server.random), input = null, headers, deadline, steps, compensate, onStuck } = body;
  const id = ownName(asked, given);
  checkHeaders(headers, '/headers');
  const sent = withTrace(headers, asked.request.headers);
  if (steps === undefined && (compensate ?? onStuck) !== undefined) {
    throw new ProblemError(
      'invalid',
      'compensate and onStuck belong to a saga with steps; a registered one says them itself',
    );
  }
  const saga = steps === undefined ? registered(server, body) : server.adHoc.make(body);
  const options = {
    id,
    input,
    ...(sent === undefined ? {} : { headers: sent }),
    ...(deadline === undefined ? {} : { deadline }),
  };
  return await shown(server, asked, await within(server, asked, id, () => server.tempo.start(saga, options)));
};

/** The id of a new saga: inside the namespace of whoever asks, and no longer for that than an id may be. */
function ownName({ principal }: Asked, given: string): string {
  const id = ownId(principal, given);
  if (id.length <= longestId) return id;
  throw new ProblemError('invalid', `Expected id, with its namespace, to be at most ${longestId} characters`);
}

/** Makes a start within the quota of whoever asks; one that was made before is no new one. */
function within<Result>(
  { tempo, quotas }: ServerParts,
  { principal }: Asked,
  id: string,
  start: () => Promise<Result>,
): Promise<Result> {
  return quotas.start(principal.namespace, async () => (await tempo.get(id)) !== undefined, start);
}

/** A saga that was asked for, and whether that was the first time. */
async function shown(
  { tempo }: ServerParts,
  asked: Asked,
  { id, created }: { readonly id: string; readonly created: boolean },
): Promise<Response> {
  const view = await tempo.get(id);
  if (view === undefined) throw new ProblemError('saga-not-found', `saga "${id}" is gone already`);
  return jsonAnswer(created ? 201 : 200, sagaView(view, seesPayloads(asked)), { location: paths.saga(id) });
}

/** `POST /v1/sagas/{id}/restart`. */
export const restartSaga: Route = async (server, asked) => {
  const { version, headers, ...rest } = asked.body as unknown as RestartRequest;
  checkHeaders(headers, '/headers');
  const before = await sagaOf(server, asked.params['id'] as string);
  const { id, name, status } = before;
  if (!ended(before))
    throw new ProblemError('saga-not-ended', `saga "${id}" is ${status}; let it end, cancel or terminate it first`);
  const again = {
    ...rest,
    ...(headers === undefined ? {} : { headers }),
    ...(version === undefined ? {} : { saga: registered(server, { name, version }) as Saga<unknown> }),
  };
  const { of = id, number = 1 } = before.run ?? {};
  const next = `${of}@${number + 1}`;
  return await shown(server, asked, await within(server, asked, next, () => server.tempo.restartAsNew(id, again)));
};
