import { breaksLimit, requirementFaults, type StepRules } from '../advisor/requirement.ts';
import type { CallStep, StepDefinition } from './definition.ts';

function faultOfCall(rules: StepRules, step: CallStep): string | undefined {
  if (rules.stepMode === 'durable' && step.mode !== 'durable') return requirementFaults.durable;
  if (rules.stepMode === 'saga-first' && step.mode !== 'saga-first' && step.compensate !== undefined)
    return requirementFaults.sagaFirst;
  return undefined;
}

function faultOf(rules: StepRules, step: StepDefinition): string | undefined {
  switch (step.kind) {
    case 'call':
      return faultOfCall(rules, step);
    case 'sleep':
      return rules.limit !== undefined && breaksLimit(step.sleepMs, rules.limit) ? requirementFaults.sleep : undefined;
    case 'wait':
      return rules.limit === undefined ? undefined : requirementFaults.wait;
    case 'each':
      if (rules.order === 'total' && step.concurrency > 1) return requirementFaults.concurrency;
      return step.each.kind === 'call' ? faultOfCall(rules, step.each) : undefined;
    case 'child':
      // A child says itself what it requires.
      return undefined;
  }
}

/** @throws {TypeError} when a step breaks what its saga requires; the message begins as the compiler's does. */
export function checkRequired(rules: StepRules, saga: string, step: StepDefinition): void {
  const fault = faultOf(rules, step);
  if (fault !== undefined) throw new TypeError(`${fault} (step "${step.name}" of saga "${saga}")`);
}

/** @throws {TypeError} when a saga requires an order and has steps without one. */
export function checkRequiredOrder(rules: StepRules, saga: string): void {
  if (rules.order === 'total') throw new TypeError(`${requirementFaults.parallel} (saga "${saga}")`);
}

/** @throws {TypeError} when a saga needs a pivot and has none. */
export function checkRequiredPivot(rules: StepRules, saga: string, steps: readonly StepDefinition[]): void {
  if (rules.pivot === 'needed' && !steps.some((step) => step.pivot))
    throw new TypeError(`${requirementFaults.pivot} (saga "${saga}")`);
}
