import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { SagaDefinition, StepDefinition } from '../saga/definition.ts';

/**
 * Refuses a saga whose remote steps could not be called: nobody makes such calls here, or their targets are none that may
 * be called.
 *
 * @throws {TypeError} when there is no caller.
 * @throws {EgressError} when the caller's policy forbids a target.
 */
export function checkTargets(saga: SagaDefinition, caller: RemoteCaller | undefined): void {
  for (const step of saga.steps) checkStep(saga, step.kind === 'each' ? step.each : step, caller);
}

function checkStep(saga: SagaDefinition, step: StepDefinition, caller: RemoteCaller | undefined): void {
  if (step.kind === 'child') return checkTargets(step.child, caller);
  if (step.kind !== 'call' || step.targets === undefined) return;
  if (caller === undefined) {
    throw new TypeError(
      `Expected openTempo to be given a caller: step "${step.name}" of saga "${saga.name}" is remote`,
    );
  }
  for (const target of step.targets) caller.check(target);
}
