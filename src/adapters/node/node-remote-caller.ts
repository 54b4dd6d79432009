import http from 'node:http';
import https from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { GuardEvent } from '../../guards/guard-events.ts';
import type { RetryBudget } from '../../guards/retry-budget.ts';
import { type EgressPolicy, egressPolicy } from '../../outbound/egress-policy.ts';
import type { RemoteAnswer, RemoteCall, RemoteCaller } from '../../outbound/remote-caller.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Observer } from '../../ports/observer.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { type Duration, toMs } from '../../time/duration.ts';
import { checkedLookup, fewLookups, type ResolveName, systemResolve } from './checked-lookup.ts';
import { exchange, type ExchangeParts } from './exchange.ts';
import { guarded, overBudget, targetGuards } from './target-guards.ts';

/** Options of {@link nodeCaller}. */
export interface NodeCallerOptions {
  /** What may be called, as of {@link egressPolicy}; or a policy. Default `['public']`. */
  readonly allow?: readonly string[] | EgressPolicy;
  /** How many calls to one target (scheme, host and port) run at a time. Default 256. */
  readonly maxConcurrent?: number;
  /** How many more may wait for a place; their attempts' time runs. Default 1,024. */
  readonly maxQueue?: number;
  /** How long an idle connection is kept. Keep it below what participants keep theirs. Default `'4s'`. */
  readonly idle?: Duration;
  /** The guards of a target, in place of its bulkhead and breaker. A call that they refuse costs no attempt. */
  readonly guards?: (target: string) => Policy;
  /**
   * An allowance of repeated calls for a target: further attempts of actions and compensations wait until there is some.
   * Default none: attempts are bounded by their sagas' policies, and budgets are injected.
   */
  readonly budget?: (target: string) => RetryBudget;
  /** Told what the default guards do. */
  readonly observer?: Observer<GuardEvent>;
  /** Certificates: `ca` to trust beside none other, `cert` and `key` to show. Default the system's, and none. */
  readonly tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'>;
  /** Resolves names. Default the system's resolver. */
  readonly resolve?: ResolveName;
  /** What the default guards measure time with. Default the system's clock. */
  readonly clock?: Clock;
}

/** The defaults of {@link nodeCaller}. */
export const nodeCallerDefaults: Readonly<
  Required<Pick<NodeCallerOptions, 'allow' | 'maxConcurrent' | 'maxQueue' | 'idle'>>
> = Object.freeze({ allow: Object.freeze(['public']), maxConcurrent: 256, maxQueue: 1024, idle: '4s' });

/** A {@link RemoteCaller} with connections; made by {@link nodeCaller}. */
export interface NodeCaller extends RemoteCaller, AsyncDisposable {
  /** Closes its idle connections, and those in use when their calls are over. Safe to call twice. */
  close(): Promise<void>;
}

interface Target extends ExchangeParts {
  readonly guards: Policy;
  readonly budget: RetryBudget | undefined;
}

// A target that is not called any more keeps its counts until so many others have come.
const mostTargets = 1000;

class Caller implements NodeCaller {
  private readonly policy: EgressPolicy;
  private readonly makeGuards: (target: string) => Policy;
  private readonly makeBudget: NodeCallerOptions['budget'];
  private readonly resolve: ResolveName;
  private readonly plain: http.Agent;
  private readonly secure: https.Agent;
  private readonly targets = new Map<string, Target>();

  constructor(options: NodeCallerOptions) {
    const { allow, maxConcurrent, maxQueue, idle } = { ...nodeCallerDefaults, ...options };
    const { observer, clock = systemClock, tls = {} } = options;
    this.policy = 'checkUrl' in allow ? allow : egressPolicy(allow);
    this.makeGuards =
      options.guards ?? ((target) => targetGuards(target, { maxConcurrent, maxQueue, clock, observer }));
    this.makeBudget = options.budget;
    // Wrong options are found now, and not by the first call.
    this.makeGuards('http://localhost');
    this.resolve = fewLookups(options.resolve ?? systemResolve);
    const agent = { keepAlive: true, timeout: toMs(idle, 'idle'), maxSockets: Infinity, scheduling: 'lifo' } as const;
    this.plain = new http.Agent(agent);
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment does not undo it.
    this.secure = new https.Agent({ ...agent, ...tls, rejectUnauthorized: true, minVersion: 'TLSv1.2' });
  }

  check(url: string): void {
    this.policy.checkUrl(url);
  }

  async call(call: RemoteCall): Promise<RemoteAnswer> {
    let target: Target;
    try {
      this.policy.checkUrl(call.url);
      target = this.targetOf(call.url);
    } catch (error) {
      return { kind: 'forbidden', error };
    }
    const refusal = overBudget(target.budget, call);
    if (refusal !== undefined) return { kind: 'refused', error: refusal };
    return await guarded(target.guards, call, (inside) => exchange(inside, target));
  }

  private targetOf(url: string): Target {
    const { origin, protocol } = new URL(url);
    const known = this.targets.get(origin);
    // Taken out and put back in, the map is in the order of use.
    this.targets.delete(origin);
    const target = known ?? {
      agent: protocol === 'https:' ? this.secure : this.plain,
      lookup: checkedLookup(origin, this.policy, this.resolve),
      guards: this.makeGuards(origin),
      budget: this.makeBudget?.(origin),
    };
    this.targets.set(origin, target);
    const [oldest] = this.targets.keys();
    if (this.targets.size > mostTargets && oldest !== undefined) this.targets.delete(oldest);
    return target;
  }

  async close(): Promise<void> {
    this.plain.destroy();
    this.secure.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Makes calls to remote participants on Node: connections that are kept, no redirects, no proxies, bodies of at most 1 MiB,
 * each target behind its own bulkhead and breaker, and only to targets that the egress policy allows. A name is resolved
 * once a connection, all its addresses are checked, and the connection goes to one of exactly these.
 *
 * @param options.allow what may be called. Default `['public']`: anything on the Internet, nothing of the own network.
 * @throws {TypeError | RangeError} for an option that is none, or out of its range.
 * @example
 * await using caller = nodeCaller({ allow: ['inventory:8080', 'public:443'] });
 * caller.check('http://inventory:8080/reserve') // => undefined
 */
export function nodeCaller(options: NodeCallerOptions = {}): NodeCaller {
  return new Caller(options);
}
