import type { Clock } from '../ports/clock.ts';
import { type Random, cryptoRandom, uniqueId } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import type { Tempo } from '../tempo/tempo.ts';
import type { Operation, OperationId } from '../wire/operations.ts';
import { ProblemError, problemOf } from '../wire/problem.ts';
import { type Right, rights } from '../wire/rights.ts';
import type { ServerEvent } from '../wire/server-event.ts';
import type { AdHocSagas } from './ad-hoc-saga.ts';
import { problemAnswer } from './answers.ts';
import {
  cancelSaga,
  decisionRoute,
  deleteSaga,
  listAttention,
  renewSaga,
  signalSaga,
  terminateSaga,
} from './control-routes.ts';
import { watchEvents } from './event-routes.ts';
import { getDocument, getLiveness, getMetrics, getReadiness } from './health-routes.ts';
import { ownId } from './namespaces.ts';
import { PolicyBook } from './policy-book.ts';
import { deletePolicy, listPolicies, setPolicy } from './policy-routes.ts';
import type { Authentication, Authenticator, Peer, Principal } from '../wire/authenticator.ts';
import { problemOfError } from './problem-of-error.ts';
import { readBody } from './read-body.ts';
import { getHistory, getOutcome, getSaga, listSagas } from './read-routes.ts';
import { checkHost, checkOrigin, type Hosts } from './request-gate.ts';
import type { Asked, Route, ServerParts } from './route.ts';
import { findOperation, type Match, readQuery } from './router.ts';
import type { QuotaDesk } from './quotas.ts';
import type { SagaFeed } from './saga-feed.ts';
import { restartSaga, startSaga } from './start-routes.ts';

/** What a handler is made of. */
export interface HandlerParts {
  readonly tempo: Tempo;
  /** Whose observer the coordinator was given. */
  readonly feed: SagaFeed;
  readonly adHoc: AdHocSagas;
  readonly sagas: readonly SagaDefinition[];
  readonly authenticator?: Authenticator | undefined;
  readonly hosts?: Hosts;
  readonly origins?: readonly string[] | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly metrics?: (() => string) | undefined;
  readonly version?: string | undefined;
  readonly observer?: ((event: ServerEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly quotas: QuotaDesk;
}

const routes: Readonly<Record<OperationId, Route>> = {
  startSaga,
  listSagas,
  getSaga,
  getHistory,
  getOutcome,
  restartSaga,
  renewSaga,
  cancelSaga,
  terminateSaga,
  signalSaga,
  deleteSaga,
  listAttention,
  retryStep: decisionRoute('retry'),
  retryStepWith: decisionRoute('retry-with'),
  resolveStep: decisionRoute('resolve'),
  skipStep: decisionRoute('skip'),
  forwardStep: decisionRoute('forward'),
  retrySaga: decisionRoute('retry'),
  resolveSaga: decisionRoute('resolve'),
  watchEvents,
  listPolicies,
  setPolicy,
  deletePolicy,
  getDocument,
  getLiveness,
  getReadiness,
  getMetrics,
};

// Who is asked for no credential may do everything: the server is then bound to this machine alone.
const everyone: Principal = Object.freeze({ name: 'local', rights: new Set<Right>(rights) });
const nobodyKnown: Peer = Object.freeze({ address: '' });

/** Answers the requests of a server: a function of a web-standard request, whoever listens. */
export class ServerHandler {
  private readonly parts: HandlerParts;
  private readonly server: ServerParts;
  private readonly clock: Clock;
  private readonly ending = new AbortController();

  constructor(parts: HandlerParts) {
    const { tempo, feed, adHoc, sagas, metrics, version = '0', clock = systemClock, random = cryptoRandom } = parts;
    this.parts = parts;
    this.clock = clock;
    const policies = new PolicyBook(tempo.policies, sagas);
    const closing = this.ending.signal;
    this.server = {
      tempo,
      feed,
      sagas,
      adHoc,
      policies,
      quotas: parts.quotas,
      clock,
      random,
      metrics,
      version,
      closing,
    };
  }

  /** Whoever waits for an outcome is answered, and every stream ends. */
  close(): void {
    this.ending.abort();
  }

  /** Answers a request; never rejects. */
  async handle(request: Request, peer: Peer = nobodyKnown): Promise<Response> {
    const startedMs = this.clock.monotonicMs();
    const told: Told = { match: undefined, principal: undefined, problem: undefined };
    const response = await this.answer(request, peer, told).catch((error: unknown) => this.refuse(error, told));
    const bare = request.method === 'HEAD' ? new Response(null, response) : response;
    this.parts.observer?.({
      type: 'server.request',
      method: request.method,
      operation: told.match?.id,
      status: response.status,
      elapsedMs: this.clock.monotonicMs() - startedMs,
      actor: told.principal?.name,
      sagaId: told.match?.params['id'],
      problem: told.problem,
    });
    return bare;
  }

  private async answer(request: Request, peer: Peer, told: Told): Promise<Response> {
    const { hosts, origins = [], maxBodyBytes = 1024 * 1024 } = this.parts;
    const { method, headers } = request;
    checkHost(headers, hosts);
    checkOrigin(method, headers, origins, hosts);
    const url = new URL(request.url);
    const match = findOperation(method, url.pathname);
    told.match = match;
    const authenticateAgain = (): Authentication => this.authenticate(headers, peer);
    const principal = this.permit(match.operation, authenticateAgain);
    told.principal = principal;
    const { id } = match.params;
    const params = id === undefined ? match.params : { ...match.params, id: ownId(principal, id) };
    told.match = { ...match, params };
    const query = readQuery(match.operation, url.searchParams);
    const { body: shape } = match.operation;
    const takes = (bytes: number): void => this.server.quotas.takeBytes(principal.namespace, bytes);
    const body = shape === undefined ? null : await readBody(request, shape, maxBodyBytes, takes);
    const asked: Asked = { request, params, query, body, principal, authenticateAgain };
    return await routes[match.id](this.server, asked);
  }

  private authenticate(headers: Headers, peer: Peer): Authentication {
    return this.parts.authenticator?.authenticate(headers, peer) ?? { principal: everyone };
  }

  /** Who asks, when that one may do this. */
  private permit({ right, ofAll }: Operation, authenticate: () => Authentication): Principal {
    if (right === undefined) return everyone;
    const found = authenticate();
    if ('principal' in found) {
      const { name, rights: granted, namespace } = found.principal;
      if (!granted.has(right))
        throw new ProblemError('forbidden', `the credential "${name}" does not have the right "${right}"`);
      if (ofAll !== true || namespace === undefined) return found.principal;
      const what = `the credential "${name}" is bound to the namespace "${namespace}", and this concerns all of them`;
      throw new ProblemError('forbidden', what);
    }
    if (found.refused === 'unauthenticated') throw new ProblemError('unauthenticated', 'send a valid bearer token');
    const retryAfter = String(Math.ceil(found.retryAfterMs / 1000));
    throw new ProblemError('too-many-failures', 'too many failed attempts of late', {
      headers: { 'retry-after': retryAfter },
    });
  }

  private refuse(error: unknown, told: Told): Response {
    const problem = problemOfError(error);
    told.problem = problem?.code ?? 'internal';
    if (problem !== undefined) {
      if (problem.code === 'log-full') this.parts.feed.fail(error);
      return problemAnswer(problem, error instanceof ProblemError ? error.headers : {});
    }
    const incident = uniqueId(this.server.random);
    this.parts.observer?.({ type: 'server.fault', incident, error });
    return problemAnswer(
      problemOf('internal', 'the server made a mistake; its log has more under this incident', { incident }),
    );
  }
}

/** What is known of a request by the time it is answered. */
interface Told {
  match: Match | undefined;
  principal: Principal | undefined;
  problem: string | undefined;
}
