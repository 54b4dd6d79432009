import { Agent, type IncomingMessage, request } from 'node:http';
import type { ActionContext } from '../../saga/definition.ts';
import type { StepPhase } from '../../saga/record.ts';
import { TerminalError } from '../../saga/terminal-error.ts';
import type { Order } from './order.ts';
import { callHeaders, type Service } from './participant-call.ts';

/** An answer that is neither done nor a definite refusal: the step's retry policy judges it by `status`. */
class ParticipantError extends Error {
  override readonly name = 'ParticipantError';
  readonly status: number;
  /** As the retry policy looks for `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(service: Service, status: number, message: string, headers: Readonly<Record<string, string>>) {
    super(`${service} answered ${status}: ${message}`);
    this.status = status;
    this.headers = headers;
  }
}

/** Calls a participant for a step of a saga; resolves with the answer's JSON once it is done. */
export type CallParticipant = <Answer>(
  service: Service,
  phase: StepPhase,
  context: ActionContext<Order>,
) => Promise<Answer>;

/** An open client for the participants. */
export interface ParticipantClient {
  readonly call: CallParticipant;
  close(): void;
}

/**
 * Opens a client that calls participants over HTTP on loopback, keeping connections alive.
 *
 * A call rejects with a `TerminalError` for a 409, with a {@link ParticipantError} for any other answer, with the
 * socket's own error when there is none, and with the signal's reason when it is aborted.
 */
export function openParticipantClient(ports: Readonly<Record<Service, number>>): ParticipantClient {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  const call = <Answer>(service: Service, phase: StepPhase, context: ActionContext<Order>): Promise<Answer> => {
    const { sagaId, step, attempt, epoch, idempotencyKey, signal } = context;
    const body = JSON.stringify({ input: context.input });
    const headers = {
      ...callHeaders({ saga: sagaId, step, phase, attempt, epoch }, idempotencyKey),
      'Content-Length': Buffer.byteLength(body),
    };
    const options = { agent, host: '127.0.0.1', port: ports[service], method: 'POST', path: '/', headers };
    return new Promise<Answer>((resolve, reject) => {
      signal.throwIfAborted();
      const outgoing = request(options, (response) => {
        readText(response)
          .then((text) => resolve(readAnswer(service, response, text) as Answer))
          .catch(reject);
      });
      const abort = (): void => {
        reject(signal.reason);
        outgoing.destroy();
      };
      signal.addEventListener('abort', abort, { once: true });
      outgoing.on('error', reject);
      outgoing.on('close', () => signal.removeEventListener('abort', abort));
      outgoing.end(body);
    });
  };
  return { call, close: () => agent.destroy() };
}

function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve(text));
    response.on('error', reject);
  });
}

function readAnswer(service: Service, response: IncomingMessage, text: string): unknown {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return JSON.parse(text);
  const { code, message } = readProblem(text);
  if (status === 409) throw new TerminalError(message, { code });
  const retryAfter = response.headers['retry-after'];
  throw new ParticipantError(service, status, message, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}

function readProblem(text: string): { readonly code: string; readonly message: string } {
  try {
    const { code, message } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code === 'string' && typeof message === 'string') return { code, message };
  } catch {
    // Not JSON: shown as it came.
  }
  return { code: 'UNREADABLE', message: text.slice(0, 200) };
}
