import type { DescribedBackoff } from '../backoff/backoff.ts';
import { type RetryRules, resolveRetryRules } from '../retry/decide-retry.ts';
import { retryRulesFrom, type RetrySpec } from '../retry/retry-spec.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Policies } from '../tempo/policies.ts';
import { ProblemError } from '../wire/problem.ts';
import type { PolicyRequest } from '../wire/requests.ts';
import type { WirePolicy } from '../wire/saga.ts';
import type { WireRetry } from '../wire/step.ts';
import { retryOptions } from './wire-retry.ts';

/** The policies given to steps, and the words that they were given in. */
export class PolicyBook {
  private readonly policies: Policies;
  private readonly sagas: readonly SagaDefinition[];
  private readonly words = new Map<RetryRules, WireRetry>();

  constructor(policies: Policies, sagas: readonly SagaDefinition[]) {
    this.policies = policies;
    this.sagas = sagas;
  }

  set(policy: Omit<WirePolicy, 'retry'>, retry: PolicyRequest): WirePolicy {
    const rules = this.rulesOf(policy, retry);
    try {
      this.policies.set(keyOf(policy), { rules });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new ProblemError('no-such-policy', `no registered saga "${policy.saga}" has a step "${policy.step}"`);
    }
    this.words.set(rules, typeof retry === 'string' ? describe(rules) : retry);
    return { ...policy, retry: this.words.get(rules) ?? {} };
  }

  delete(policy: Omit<WirePolicy, 'retry'>): void {
    const rules = this.policies.get(keyOf(policy));
    if (rules !== undefined) this.words.delete(rules);
    this.policies.delete(keyOf(policy));
  }

  list(): readonly WirePolicy[] {
    return [...this.policies.entries()].map(([key, rules]) => {
      const [saga = '', step = '', phase] = key.split('/');
      const retry = this.words.get(rules) ?? describe(rules);
      return { saga, step, phase: phase === 'compensation' ? phase : 'action', retry };
    });
  }

  /** What is tried again unless said otherwise depends on the step: a participant over HTTP knows a repeated call. */
  private rulesOf({ saga, step }: Omit<WirePolicy, 'retry'>, retry: PolicyRequest): RetryRules {
    const known = this.sagas.filter((own) => own.name === saga).flatMap(({ steps }) => steps);
    const isRemote = known.length === 0 || known.some((own) => own.name === step && 'targets' in own);
    const options = retryOptions(retry, '/');
    return isRemote ? resolveRetryRules(options) : retryRulesFrom(retry as RetrySpec);
  }
}

function keyOf({ saga, step, phase }: Omit<WirePolicy, 'retry'>): string {
  return phase === 'action' ? `${saga}/${step}` : `${saga}/${step}/compensation`;
}

/** As much of rules as can be said in words: which failures they are for is a function. */
function describe({ maxAttempts, backoff, respectRetryAfter }: RetryRules): WireRetry {
  const described = (backoff as Partial<DescribedBackoff>).describe?.() as WireRetry['backoff'] | undefined;
  return { maxAttempts, respectRetryAfter, ...(described === undefined ? {} : { backoff: described }) };
}
