import type { HumanVerb } from '../saga/record.ts';

/** The prefix of every path of this version of the protocol. */
const apiPrefix = '/v1';

const part = encodeURIComponent;

/**
 * The paths of the protocol, for clients.
 *
 * @example
 * paths.saga('order-1') // => '/v1/sagas/order-1'
 */
export const paths: {
  readonly sagas: string;
  readonly attention: string;
  readonly events: string;
  readonly policies: string;
  readonly openapi: string;
  saga(id: string): string;
  history(id: string): string;
  outcome(id: string): string;
  restart(id: string): string;
  renew(id: string): string;
  cancel(id: string): string;
  terminate(id: string): string;
  signal(id: string, name: string): string;
  decision(id: string, step: string | null, verb: HumanVerb): string;
  policy(saga: string, step: string): string;
} = Object.freeze({
  sagas: `${apiPrefix}/sagas`,
  attention: `${apiPrefix}/attention`,
  events: `${apiPrefix}/events`,
  policies: `${apiPrefix}/policies`,
  openapi: `${apiPrefix}/openapi.json`,
  saga: (id: string) => `${apiPrefix}/sagas/${part(id)}`,
  history: (id: string) => `${apiPrefix}/sagas/${part(id)}/history`,
  outcome: (id: string) => `${apiPrefix}/sagas/${part(id)}/outcome`,
  restart: (id: string) => `${apiPrefix}/sagas/${part(id)}/restart`,
  renew: (id: string) => `${apiPrefix}/sagas/${part(id)}/renew`,
  cancel: (id: string) => `${apiPrefix}/sagas/${part(id)}/cancel`,
  terminate: (id: string) => `${apiPrefix}/sagas/${part(id)}/terminate`,
  signal: (id: string, name: string) => `${apiPrefix}/sagas/${part(id)}/signals/${part(name)}`,
  // The saga as a whole has no step: what is decided about it stands at the saga itself.
  decision: (id: string, step: string | null, verb: HumanVerb) =>
    step === null
      ? `${apiPrefix}/sagas/${part(id)}/${verb}`
      : `${apiPrefix}/sagas/${part(id)}/steps/${part(step)}/${verb}`,
  policy: (saga: string, step: string) => `${apiPrefix}/policies/${part(saga)}/${part(step)}`,
});
