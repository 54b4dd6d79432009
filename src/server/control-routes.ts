import type { SagaView } from '../saga/view.ts';
import { ProblemError } from '../wire/problem.ts';
import type { DecisionRequest, RenewRequest, StopRequest } from '../wire/requests.ts';
import { attentionView, sagaView } from '../wire/views.ts';
import { emptyAnswer, jsonAnswer } from './answers.ts';
import { sees } from './namespaces.ts';
import { type Asked, type Route, seesPayloads, type ServerParts } from './route.ts';
import { sagaOf } from './saga-of.ts';
import { ended } from './until-ended.ts';

function idOf({ params }: Asked): string {
  return params['id'] as string;
}

function accepted(asked: Asked, view: SagaView, status: number = 202): Response {
  return jsonAnswer(status, sagaView(view, seesPayloads(asked)));
}

/** `POST /v1/sagas/{id}/cancel`. */
export const cancelSaga: Route = async (server, asked) => {
  const id = idOf(asked);
  const { reason } = asked.body as unknown as StopRequest;
  const before = await sagaOf(server, id);
  const view = await server.tempo.cancel(id, reason === undefined ? {} : { reason });
  return accepted(asked, view, before.reason === undefined ? 202 : 200);
};

/** `POST /v1/sagas/{id}/renew`. */
export const renewSaga: Route = async (server, asked) => {
  const id = idOf(asked);
  const { deadline } = asked.body as unknown as RenewRequest;
  await sagaOf(server, id);
  return accepted(asked, await server.tempo.renew(id, deadline));
};

/** `POST /v1/sagas/{id}/terminate`. */
export const terminateSaga: Route = async (server, asked) => {
  const id = idOf(asked);
  const { reason } = asked.body as unknown as StopRequest;
  await sagaOf(server, id);
  const by = asked.principal.name;
  return accepted(asked, await server.tempo.terminate(id, { by, ...(reason === undefined ? {} : { reason }) }));
};

/** `DELETE /v1/sagas/{id}`. */
export const deleteSaga: Route = async (server, asked) => {
  const id = idOf(asked);
  const view = await sagaOf(server, id);
  if (!ended(view))
    throw new ProblemError('saga-not-ended', `saga "${id}" is ${view.status}; cancel or terminate it first`);
  await server.tempo.delete(id, { by: asked.principal.name });
  return emptyAnswer(204);
};

/** `POST /v1/sagas/{id}/signals/{signal}`. */
export const signalSaga: Route = async (server, asked) => {
  const id = idOf(asked);
  await sagaOf(server, id);
  await server.tempo.signal(id, asked.params['signal'] as string, asked.body);
  return accepted(asked, await sagaOf(server, id));
};

/** `GET /v1/attention`. */
export const listAttention: Route = async ({ tempo }, { principal }) => {
  const all = await tempo.attention.list();
  const items = all.filter(({ sagaId }) => sees(principal, sagaId));
  return jsonAnswer(200, { items: items.map(attentionView) });
};

type Verb = 'retry' | 'retry-with' | 'resolve' | 'skip' | 'forward';

/** Carries a person's decision to the saga that waits for it. */
async function decide(
  server: ServerParts,
  id: string,
  step: string | null,
  verb: Verb,
  asked: Asked,
): Promise<SagaView> {
  const { attention } = server.tempo;
  const { note, args, output, expectedSeq } = asked.body as unknown as DecisionRequest;
  const decision = {
    by: asked.principal.name,
    ...(note === undefined ? {} : { note }),
    ...(expectedSeq === undefined ? {} : { expectedSeq }),
  };
  const given = { ...decision, ...(output === undefined ? {} : { output }) };
  switch (verb) {
    case 'retry':
      return await attention.retry(id, step, decision);
    case 'retry-with':
      if (args === undefined) throw new ProblemError('invalid', 'Expected args: the input of the calls from here on');
      return await attention.retryWith(id, step ?? '', { ...decision, args });
    case 'resolve':
      return await attention.resolve(id, step, given);
    case 'skip':
      return await attention.skip(id, step ?? '', decision);
    case 'forward':
      return await attention.forward(id, step ?? '', given);
  }
}

/** `POST /v1/sagas/{id}/steps/{step}/{verb}`, and the verbs of a saga as a whole. */
export function decisionRoute(verb: Verb): Route {
  return async (server, asked) => {
    const id = idOf(asked);
    const step = asked.params['step'] ?? null;
    const { status } = await sagaOf(server, id);
    if (status === 'terminated' && step !== null) {
      throw new ProblemError(
        'saga-ended',
        `saga "${id}" was terminated: its steps are nobody's any more; resolve the saga`,
      );
    }
    return accepted(asked, await decide(server, id, step, verb, asked));
  };
}
