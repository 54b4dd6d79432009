import { checkName } from '../saga/names.ts';
import { type BarrierCall, type BarrierPhase, type BarrierReply } from './decide-barrier.ts';
import { problemReply } from './barrier.ts';

/** What a coordinator's request says in its headers. */
export interface CallHeaders extends BarrierCall {
  /** 1 for the first. */
  readonly attempt: number;
  /** `saga/step/action` or `saga/step/compensation`; a status probe carries that of the action. */
  readonly idempotencyKey: string;
  /** How much time the caller leaves, in milliseconds; `undefined` when it does not say. */
  readonly deadlineMs: number | undefined;
}

/** A request that is refused before anything was done, with the answer to give. */
export class RefusedRequest extends Error {
  readonly reply: BarrierReply;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.reply = problemReply(status, code, message);
  }
}

function bad(header: string, wanted: string, got: string | null): RefusedRequest {
  const shown = got === null ? 'none' : JSON.stringify(got.slice(0, 80));
  return new RefusedRequest(400, 'bad-header', `Expected header ${header} to be ${wanted}, got ${shown}`);
}

function readName(headers: Headers, header: string): string {
  const text = headers.get(header) ?? '';
  try {
    return checkName(text, header);
  } catch {
    throw bad(header, '1 to 200 of A-Z a-z 0-9 _ . ~ : @ -', headers.get(header));
  }
}

/** A header that was sent twice arrives as `1, 2`, which is no number either. */
function readCount(headers: Headers, header: string, least: number): number {
  const text = headers.get(header);
  const value = text !== null && /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (value < least) throw bad(header, `an integer ≥ ${least}`, text);
  return value;
}

/**
 * Reads which call a request is.
 *
 * @throws {RefusedRequest} when a header is missing or wrong, or the idempotency key names another call than the rest.
 */
export function readCallHeaders(headers: Headers): CallHeaders {
  const phase = headers.get('makegood-phase');
  if (phase !== 'action' && phase !== 'compensation' && phase !== 'status') {
    throw bad('makegood-phase', 'action, compensation or status', phase);
  }
  const saga = readName(headers, 'makegood-saga');
  const step = readName(headers, 'makegood-step');
  const idempotencyKey = headers.get('idempotency-key');
  const keyPhase: BarrierPhase = phase === 'compensation' ? 'compensation' : 'action';
  const wanted = `${saga}/${step}/${keyPhase}`;
  if (idempotencyKey !== wanted) throw bad('idempotency-key', JSON.stringify(wanted), idempotencyKey);
  return {
    saga,
    step,
    phase,
    epoch: readCount(headers, 'makegood-epoch', 0),
    attempt: readCount(headers, 'makegood-attempt', 1),
    idempotencyKey,
    deadlineMs: headers.has('makegood-deadline') ? readCount(headers, 'makegood-deadline', 0) : undefined,
  };
}

/** Reads a body of JSON, at most `maxBytes` of it, whatever `Content-Length` says. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new RefusedRequest(415, 'not-json', `Expected a body of application/json, got ${JSON.stringify(type)}`);
  }
  const text = await readText(request, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RefusedRequest(400, 'unreadable', 'the body is not JSON');
  }
  if (isTooDeep(value, 64)) throw new RefusedRequest(422, 'too-deep', 'the body is nested deeper than 64');
  // A name may be written with escapes; only a text without any can be looked through as it is.
  if ((text.includes('__proto__') || text.includes('\\u')) && hasProto(value)) {
    throw new RefusedRequest(422, 'reserved-name', 'the body has a property "__proto__"');
  }
  return value;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    // Leaving the loop cancels the stream: what is still on its way is not read.
    if (length > maxBytes) throw new RefusedRequest(413, 'too-large', `the body is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RefusedRequest(400, 'unreadable', 'the body is not UTF-8');
  }
}

function isTooDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isTooDeep(item, levels - 1));
}

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
}
