import type { IncomingHttpHeaders } from 'node:http';
import type { StepPhase } from '../../saga/record.ts';

/** A participant. */
export type Service = 'inventory' | 'payment' | 'shipping';

/** The step of the saga that each participant serves. */
export const services: Readonly<Record<Service, string>> = Object.freeze({
  inventory: 'reserve',
  payment: 'charge',
  shipping: 'ship',
});

/** Their names, in the order of the saga. */
export const serviceNames: readonly Service[] = Object.freeze(['inventory', 'payment', 'shipping']);

/** Which call a request is, as its headers say. */
export interface ParticipantCall {
  readonly saga: string;
  readonly step: string;
  readonly phase: StepPhase;
  /** 1 for the first. */
  readonly attempt: number;
  /** Grows with every restart of the coordinator. */
  readonly epoch: number;
}

/** The headers that a call travels with. */
export function callHeaders(call: ParticipantCall, idempotencyKey: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Idempotency-Key': idempotencyKey,
    'Makegood-Saga': call.saga,
    'Makegood-Step': call.step,
    'Makegood-Phase': call.phase,
    'Makegood-Attempt': String(call.attempt),
    'Makegood-Epoch': String(call.epoch),
  };
}

function readCount(headers: IncomingHttpHeaders, name: string): number {
  const text = headers[name];
  const value = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new SyntaxError(`Expected header ${name} to be an integer ≥ 1, got ${JSON.stringify(text)}`);
  return value;
}

function readName(headers: IncomingHttpHeaders, name: string): string {
  const text = headers[name];
  if (typeof text === 'string' && text !== '') return text;
  throw new SyntaxError(`Expected header ${name} to be a name, got ${JSON.stringify(text)}`);
}

/**
 * Reads which call a request is.
 *
 * @throws {SyntaxError} when a header is missing or wrong, or the idempotency key names another call than the rest.
 */
export function readCall(headers: IncomingHttpHeaders): ParticipantCall {
  const phase = headers['makegood-phase'];
  if (phase !== 'action' && phase !== 'compensation') {
    throw new SyntaxError(`Expected header makegood-phase to be action or compensation, got ${JSON.stringify(phase)}`);
  }
  const call = {
    saga: readName(headers, 'makegood-saga'),
    step: readName(headers, 'makegood-step'),
    phase,
    attempt: readCount(headers, 'makegood-attempt'),
    epoch: readCount(headers, 'makegood-epoch'),
  } as const;
  const key = `${call.saga}/${call.step}/${phase}`;
  if (headers['idempotency-key'] !== key) {
    const got = JSON.stringify(headers['idempotency-key']);
    throw new SyntaxError(`Expected header idempotency-key to be ${JSON.stringify(key)}, got ${got}`);
  }
  return call;
}

/** What a participant answers. */
export interface Reply {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that refuses, as a problem document (RFC 9457). */
export function problem(status: number, code: string, message: string): Reply {
  const body = JSON.stringify({ status, code, title: message, message });
  return { status, body };
}
