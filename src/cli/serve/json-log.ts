import { isMakegoodError } from '../../errors.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import type { ServerEvent } from '../../wire/server-event.ts';
import { visibleJson } from '../visible.ts';
import { wireTime } from '../../wire/views.ts';

/** How much a line matters. */
export type Level = 'info' | 'warn' | 'error';

/** Writes a line of the log: a level, what happened, and its facts. */
export type Log = (level: Level, event: string, facts?: Readonly<Record<string, unknown>>) => void;

/**
 * A log of JSON lines: one line an entry, whatever a name or message holds.
 *
 * @param write takes a line with its end.
 * @param now wall clock, ms since 1970.
 */
export function jsonLog(write: (line: string) => void, now: () => number): Log {
  return (level, event, facts = {}) =>
    write(`${visibleJson(JSON.stringify({ time: wireTime(now()), level, event, ...facts }))}\n`);
}

/** An error as facts for the log. */
export function errorFacts(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = isMakegoodError(error) ? { code: error.code } : {};
  return { ...code, error: error.message, stack: error.stack };
}

// Whoever was not let in is worth a line, whatever else is left out.
const noteworthy: ReadonlySet<number> = new Set([401, 403, 421, 429]);

function logRequest(log: Log, event: Extract<ServerEvent, { type: 'server.request' }>, all: boolean): void {
  const { type, elapsedMs, ...facts } = event;
  const isNoteworthy = facts.status >= 500 || noteworthy.has(facts.status);
  // Whatever somebody changed is an audit: who, what, which saga.
  const isChange = facts.method !== 'GET' && facts.method !== 'HEAD' && facts.operation !== 'startSaga';
  if (!all && !isNoteworthy && !isChange) return;
  const level = facts.status >= 500 ? 'error' : noteworthy.has(facts.status) ? 'warn' : 'info';
  log(level, type, { ...facts, elapsedMs: Math.round(elapsedMs * 10) / 10 });
}

/** Writes what a server and its coordinator tell: what went wrong, what a person must know, and who changed what. */
export function loggingObserver(log: Log, logRequests: boolean): (event: SagaEvent | ServerEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'server.request':
        return logRequest(log, event, logRequests);
      case 'server.fault':
        return log('error', event.type, { incident: event.incident, ...errorFacts(event.error) });
      case 'webhook.failed':
        return log('error', event.type, {
          sagaId: event.sagaId,
          step: event.step,
          attempts: event.attempts,
          ...errorFacts(event.error),
        });
      case 'tempo.failed':
        return log('error', event.type, errorFacts(event.error));
      case 'tempo.recovered':
        return log('info', event.type, {
          sagas: event.sagas,
          blocked: event.blocked,
          epoch: event.epoch,
          elapsedMs: Math.round(event.elapsedMs),
        });
      case 'tempo.shard-opened':
        return log('info', event.type, {
          shard: event.shard,
          epoch: event.epoch,
          sagas: event.sagas,
          blocked: event.blocked,
        });
      case 'tempo.shard-handed-over':
        return log('info', event.type, { shard: event.shard, sagas: event.sagas });
      case 'tempo.shard-lost':
        return log('warn', event.type, { shard: event.shard, sagas: event.sagas, ...errorFacts(event.error) });
      case 'tempo.blocked':
        return log('warn', event.type, { sagaId: event.sagaId, name: event.sagaName, version: event.version });
      case 'tempo.unreadable':
        return log('error', event.type, {
          sagaId: event.sagaId,
          name: event.sagaName,
          seq: event.seq,
          reason: event.reason,
        });
      case 'attention.raised': {
        const { sagaId, sagaName: name, step, reason } = event.item;
        return log('warn', event.type, { sagaId, name, step, reason, repeated: event.repeated });
      }
      case 'saga.answer-unusable':
        return log('warn', event.type, {
          sagaId: event.sagaId,
          step: event.step,
          attempt: event.attempt,
          warning: event.warning,
        });
      case 'saga.record':
      case 'saga.stale-outcome':
        return;
    }
  };
}
