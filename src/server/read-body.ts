import type { JsonValue } from '../saga/json-value.ts';
import { issuesOf } from '../wire/check-shape.ts';
import { readJson } from '../wire/json-gate.ts';
import { ProblemError } from '../wire/problem.ts';

const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text of a body, as far as it may be long; whatever `Content-Length` says. */
async function readText(request: Request, maxBytes: number, takes: (bytes: number) => void): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    // Leaving the loop cancels the stream: what is still on its way is not read.
    if (length > maxBytes) throw tooLarge(maxBytes);
    takes(chunk.length);
    chunks.push(chunk);
  }
  const [first] = chunks;
  if (first === undefined) return '';
  try {
    return decoder.decode(chunks.length === 1 ? first : joined(chunks, length));
  } catch {
    throw new ProblemError('unreadable-json', 'the body is not UTF-8');
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(maxBytes: number): ProblemError {
  return new ProblemError('too-large', `the body is longer than ${maxBytes} bytes`);
}

/**
 * The body of a request, read and checked; an absent one is `{}`, or `null` where it may be anything.
 *
 * @param shape name of the schema that it must satisfy.
 * @param takes is asked for every piece that came, and refuses by throwing.
 * @throws {ProblemError} 400, 413, 415, 422, or what `takes` throws.
 */
export async function readBody(
  request: Request,
  shape: string,
  maxBytes: number,
  takes: (bytes: number) => void,
): Promise<JsonValue> {
  const { headers } = request;
  if (headers.has('content-encoding') && headers.get('content-encoding') !== 'identity') {
    throw new ProblemError('not-json', 'a body must not be compressed');
  }
  const type = headers.get('content-type');
  if (type !== null && !jsonType.test(type)) throw notJson(type);
  const text = await readText(request, maxBytes, takes);
  if (text === '') return checked(shape, shape === 'Payload' ? null : {});
  // A form can be sent by any page, and a form is no JSON.
  if (type === null) throw notJson(type);
  return checked(shape, readJson(text));
}

function notJson(type: string | null): ProblemError {
  const shown = type === null ? 'none' : JSON.stringify(type.slice(0, 80));
  return new ProblemError('not-json', `Expected a body of application/json, got ${shown}`);
}

function checked(shape: string, value: JsonValue): JsonValue {
  const errors = issuesOf(shape, value);
  const [first] = errors;
  if (first === undefined) return value;
  const where = first.path === '' ? 'the body' : first.path;
  const rest = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  throw new ProblemError('invalid', `${where} ${first.message}${rest}`, { errors });
}
