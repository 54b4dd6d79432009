import { type Context, context } from '@opentelemetry/api';
import type { CallStep, ChildStep, SagaDefinition, StepDefinition } from '../../saga/definition.ts';

/** What a handler is given that tells which attempt it is. */
interface HandlerContext {
  readonly sagaId: string;
  readonly idempotencyKey: string;
}

type Find = (sagaId: string, idempotencyKey: string) => Context | undefined;

/** The same saga, whose handlers run with their attempt's span active. Its hash is the same: it may go on in progress. */
export function tracedSaga<Saga extends SagaDefinition>(saga: Saga, find: Find): Saga {
  return Object.freeze({ ...saga, steps: saga.steps.map((step) => tracedStep(step, find)) });
}

function tracedStep(step: StepDefinition, find: Find): StepDefinition {
  if (step.kind === 'each') return { ...step, each: tracedPart(step.each, find) };
  return step.kind === 'call' || step.kind === 'child' ? tracedPart(step, find) : step;
}

function tracedPart(step: CallStep | ChildStep, find: Find): CallStep | ChildStep {
  if (step.kind === 'child') return { ...step, child: tracedSaga(step.child, find) };
  const { run, compensate, statusProbe } = step;
  return {
    ...step,
    run: within(run, find),
    compensate: compensate === undefined ? undefined : within(compensate, find),
    statusProbe: statusProbe === undefined ? undefined : within(statusProbe, find),
  };
}

function within<Given extends HandlerContext>(
  handler: (given: Given) => unknown,
  find: Find,
): (given: Given) => unknown {
  return (given) => {
    const attempt = find(given.sagaId, given.idempotencyKey);
    return attempt === undefined ? handler(given) : context.with(attempt, () => handler(given));
  };
}
