import { type TSchema, Type } from 'typebox';
import type {
  WireAttentionItem,
  WireCallView,
  WireCompensationView,
  WireOutcome,
  WirePage,
  WirePolicy,
  WireSagaLine,
  WireSagaView,
  WireStepView,
} from './saga.ts';
import { statuses } from './saga.ts';
import { anything, count, listOf, name, objectOf, oneOf, optional, refTo, text, time } from './shape.ts';
import { failureShape, stepShapes } from './step-shapes.ts';

const failure = optional(refTo('Failure'));
const status = oneOf(...statuses);
const stepState = oneOf(
  'pending',
  'running',
  'confirmed',
  'failed',
  'unknown',
  'compensating',
  'compensated',
  'skipped',
  'needs-human',
);

const callFields = {
  attempts: count,
  startedAt: optional(time),
  endedAt: optional(time),
  nextAttemptAt: optional(time),
  failure,
};

const lineFields = { id: name, name, version: name, status, createdAt: time, updatedAt: time };
const endFields = {
  output: optional(anything),
  reason: optional(oneOf('failed', 'attempts-exhausted', 'deadline', 'cancel', 'terminated', 'unreadable')),
  failure,
  cancelReason: optional(text),
};

const pageOf = (item: string): TSchema =>
  objectOf<WirePage<unknown>>({ items: listOf(refTo(item)), nextCursor: optional(text) });

const openObject = (required: Readonly<Record<string, TSchema>>): TSchema =>
  Type.Unsafe({ type: 'object', properties: required, required: Object.keys(required) });

/** The schemas of answers, by their names in the document. */
export const viewShapes: Readonly<Record<string, TSchema>> = {
  ...stepShapes,
  Failure: failureShape,
  CallView: objectOf<WireCallView>(callFields),
  CompensationView: objectOf<WireCompensationView>({ state: stepState, ...callFields }),
  StepView: objectOf<WireStepView>({
    name,
    state: stepState,
    ...callFields,
    output: optional(anything),
    until: optional(time),
    item: optional(anything),
    probe: optional(refTo('CallView')),
    compensation: refTo('CompensationView'),
  }),
  SagaLine: objectOf<WireSagaLine>(lineFields),
  SagaView: objectOf<WireSagaView>({
    ...lineFields,
    ...endFields,
    input: optional(anything),
    parent: optional(objectOf<{ id: string; step: string }>({ id: name, step: name })),
    run: optional(objectOf<{ of: string; number: number }>({ of: name, number: count })),
    deadline: optional(time),
    seq: count,
    steps: listOf(refTo('StepView')),
  }),
  Outcome: objectOf<WireOutcome>({ id: name, status, ...endFields }),
  SagaPage: pageOf('SagaLine'),
  Record: openObject({ offset: count, sagaId: name, seq: count, epoch: count, time, type: text }),
  History: pageOf('Record'),
  AttentionItem: objectOf<WireAttentionItem>({
    sagaId: name,
    sagaName: name,
    step: Type.Unsafe({ type: ['string', 'null'] }),
    reason: oneOf('action', 'compensation', 'probe', 'output', 'terminated', 'unreadable'),
    since: time,
    generation: count,
    seq: count,
    lastFailure: failure,
  }),
  Attention: pageOf('AttentionItem'),
  PolicyLine: objectOf<WirePolicy>({
    saga: name,
    step: name,
    phase: oneOf('action', 'compensation'),
    retry: refTo('Retry'),
  }),
  Policies: pageOf('PolicyLine'),
  Problem: openObject({ type: text, title: text, status: count, code: text, detail: text }),
};
