import { type TSchema, Type } from 'typebox';
import type { DecisionRequest, RenewRequest, RestartRequest, StartRequest, StopRequest } from './requests.ts';
import { anything, count, duration, headers, listOf, name, objectOf, oneOf, optional, refTo } from './shape.ts';

const words = Type.String({ maxLength: 10_000 });

const start = objectOf<StartRequest>(
  {
    id: optional(name),
    name,
    version: optional(name),
    input: optional(anything),
    headers: optional(headers),
    deadline: optional(duration),
    steps: optional(listOf(refTo('Step'), { minItems: 1, maxItems: 1000 })),
    compensate: optional(oneOf('sequential', 'parallel')),
    onStuck: optional(oneOf('hold', 'continue')),
  },
  'A registered saga by its name, or with `steps` one that is defined here and now.',
);

const restart = objectOf<RestartRequest>({
  version: optional(name),
  input: optional(anything),
  headers: optional(headers),
  deadline: optional(duration),
});

const renew = objectOf<RenewRequest>({ deadline: duration });

const stop = objectOf<StopRequest>({ reason: optional(words) });

const decision = objectOf<DecisionRequest>({
  note: optional(words),
  args: optional(anything),
  output: optional(anything),
  expectedSeq: optional(count),
});

const policy: TSchema = Type.Unsafe({
  anyOf: [{ type: 'string', enum: ['none', 'fixed', 'exponential', 'patient'] }, refTo('Retry')],
});

/** The schemas of requests, by their names in the document. */
export const requestShapes: Readonly<
  Record<
    'StartRequest' | 'RestartRequest' | 'RenewRequest' | 'StopRequest' | 'DecisionRequest' | 'PolicyRequest',
    TSchema
  >
> = {
  StartRequest: start,
  RestartRequest: restart,
  RenewRequest: renew,
  StopRequest: stop,
  DecisionRequest: decision,
  PolicyRequest: policy,
};
