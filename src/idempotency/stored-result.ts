import { ResultUnavailableError } from './idempotency-errors.ts';

// A result is kept in an envelope: `{"value":…}`, `{}` for undefined, or `{"unavailable":"why"}`. So `undefined` comes
// back as it was, and a result that cannot be kept still marks its key as done: the work must not be done twice for it.
interface Envelope {
  readonly value?: unknown;
  readonly unavailable?: string;
}

/** The text to keep for a result; never throws, for the work is done already. */
export function encodeResult(value: unknown, maxBytes: number): string {
  try {
    if (typeof value === 'function' || typeof value === 'symbol') return unavailable(`it is a ${typeof value}`);
    const text = JSON.stringify({ value });
    // UTF-16 units bound the bytes from both sides: bytes ≥ units, and ≤ 3 × units.
    const tooLong = text.length > maxBytes || (text.length * 3 > maxBytes && bytesOf(text) > maxBytes);
    return tooLong ? unavailable(`it is longer than ${maxBytes} bytes`) : text;
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

const encoder = new TextEncoder();

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

function unavailable(why: string): string {
  return JSON.stringify({ unavailable: why.slice(0, 200) } satisfies Envelope);
}

/** What was kept, as every caller gets it, the one that ran included. */
export function decodeResult(key: string, text: string): unknown {
  const envelope = JSON.parse(text) as Envelope;
  if (envelope.unavailable !== undefined) throw new ResultUnavailableError(key, envelope.unavailable);
  return envelope.value;
}
