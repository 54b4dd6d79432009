import { type RetryOptions, type RetryRules, resolveRetryRules } from '../retry/decide-retry.ts';
import type { StepPhase } from '../saga/record.ts';
import type { Registry } from './registry.ts';

/** Retry options, or a `retryPolicy`, of which the rules are taken. */
export type InjectedPolicy = RetryOptions | { readonly rules: RetryRules };

/**
 * Retry policies given to steps from outside, by `saga/step` for the action and `saga/step/compensation` for the undoing.
 * They may be replaced at any time and decide about every attempt that is not scheduled yet; attempts that were made
 * count on.
 */
export interface Policies {
  /**
   * Injects a policy for a step, in the place of the definition's own.
   *
   * @throws {TypeError} when no registered saga has such a step.
   * @throws {RangeError} when an option is out of range.
   */
  set(key: string, policy: InjectedPolicy): void;
  /** The rules injected for a step; `undefined` when its definition's own hold. */
  get(key: string): RetryRules | undefined;
  /** Lets the definition's own policy hold again; `false` when it did. */
  delete(key: string): boolean;
  /** Every injected policy, by its key. */
  entries(): IterableIterator<[string, RetryRules]>;
}

/** The injected policies of one coordinator. */
export class PolicyTable implements Policies {
  private readonly registry: Registry;
  private readonly rules = new Map<string, RetryRules>();

  constructor(registry: Registry, given: Readonly<Record<string, InjectedPolicy>> = {}) {
    this.registry = registry;
    for (const [key, policy] of Object.entries(given)) this.set(key, policy);
  }

  set(key: string, policy: InjectedPolicy): void {
    this.checkKey(key);
    this.rules.set(key, 'rules' in policy ? policy.rules : resolveRetryRules(policy));
  }

  get(key: string): RetryRules | undefined {
    return this.rules.get(key);
  }

  delete(key: string): boolean {
    return this.rules.delete(key);
  }

  entries(): IterableIterator<[string, RetryRules]> {
    return this.rules.entries();
  }

  /** The rules injected for a step's calls. */
  rulesFor(saga: string, step: string, phase: StepPhase): RetryRules | undefined {
    if (this.rules.size === 0) return undefined;
    return this.rules.get(phase === 'action' ? `${saga}/${step}` : `${saga}/${step}/compensation`);
  }

  private checkKey(key: string): void {
    const [saga = '', step = '', phase, ...rest] = key.split('/');
    const wellFormed = rest.length === 0 && (phase === undefined || phase === 'compensation');
    if (wellFormed && this.registry.hasStep(saga, step)) return;
    throw new TypeError(
      `Expected a policy's key to be "saga/step" or "saga/step/compensation" of a registered saga, got ${JSON.stringify(key)}`,
    );
  }
}
