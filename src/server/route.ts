import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { Tempo } from '../tempo/tempo.ts';
import type { AdHocSagas } from './ad-hoc-saga.ts';
import type { PolicyBook } from './policy-book.ts';
import type { Authentication, Principal } from '../wire/authenticator.ts';
import type { Query } from './router.ts';
import type { QuotaDesk } from './quotas.ts';
import type { SagaFeed } from './saga-feed.ts';

/** What every route may need of the server. */
export interface ServerParts {
  readonly tempo: Tempo;
  readonly feed: SagaFeed;
  /** Registered definitions. */
  readonly sagas: readonly SagaDefinition[];
  /** Makes definitions of steps that a request brings. */
  readonly adHoc: AdHocSagas;
  readonly policies: PolicyBook;
  readonly quotas: QuotaDesk;
  readonly clock: Clock;
  readonly random: Random;
  /** The text of the metrics; `undefined`: none are kept. */
  readonly metrics: (() => string) | undefined;
  readonly version: string;
  /** Aborts when the server is shutting down: whoever waits is answered. */
  readonly closing: AbortSignal;
}

/** A request that was found to be allowed, read and checked. */
export interface Asked {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** As the operation's schema says it is. */
  readonly body: JsonValue;
  readonly principal: Principal;
  /** Asks again who is asking: a credential may have been taken back meanwhile. */
  readonly authenticateAgain: () => Authentication;
}

/** Answers one operation. */
export type Route = (server: ServerParts, asked: Asked) => Response | Promise<Response>;

/** Whether whoever asks may see inputs and outputs. */
export function seesPayloads({ principal }: Asked): boolean {
  return principal.rights.has('read-payload');
}
