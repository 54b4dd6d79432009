import type { PolicyRequest } from '../wire/requests.ts';
import type { WirePolicy } from '../wire/saga.ts';
import { emptyAnswer, jsonAnswer } from './answers.ts';
import type { Asked, Route } from './route.ts';

function placeOf({ params, query }: Asked): Omit<WirePolicy, 'retry'> {
  const phase = query['phase'] === 'compensation' ? 'compensation' : 'action';
  return { saga: params['saga'] as string, step: params['step'] as string, phase };
}

/** `GET /v1/policies`. */
export const listPolicies: Route = ({ policies }) => jsonAnswer(200, { items: policies.list() });

/** `PUT /v1/policies/{saga}/{step}`. */
export const setPolicy: Route = ({ policies }, asked) =>
  jsonAnswer(200, policies.set(placeOf(asked), asked.body as unknown as PolicyRequest));

/** `DELETE /v1/policies/{saga}/{step}`. */
export const deletePolicy: Route = ({ policies }, asked) => {
  policies.delete(placeOf(asked));
  return emptyAnswer(204);
};
