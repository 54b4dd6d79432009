import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { BodyFault, RemoteAnswer } from '../../outbound/remote-caller.ts';

// The protocol's own bound; a longer output belongs into a store of the participant's.
const longestBody = 1024 * 1024;

type Answered = Extract<RemoteAnswer, { readonly kind: 'answered' }>;

/** An answer as it arrives. Whatever becomes of its body, its status stands: the participant has decided. */
export class AnswerInParts {
  private readonly message: IncomingMessage;
  private chunks: Uint8Array[] = [];
  private length = 0;

  constructor(message: IncomingMessage) {
    this.message = message;
  }

  /** Takes a part of the body; returns whether any more is wanted. */
  take(chunk: Uint8Array): boolean {
    this.length += chunk.length;
    if (this.length > longestBody) return false;
    this.chunks.push(chunk);
    return true;
  }

  /** The answer as it is now: the whole of it when it `isWhole`, or what had come when it broke off. */
  end(isWhole: boolean): Answered {
    const { statusCode = 0, headers } = this.message;
    const body = this.length > longestBody ? undefined : decode(this.chunks, headers['content-encoding']);
    const text = { kind: 'answered', status: statusCode, headers: flat(headers), body: body ?? '' } as const;
    const bodyFault = this.faultOf(isWhole, body);
    return bodyFault === undefined ? text : { ...text, bodyFault };
  }

  private faultOf(isWhole: boolean, body: string | undefined): BodyFault | undefined {
    if (this.length > longestBody) return 'too-long';
    if (!isWhole) return 'cut-off';
    return body === undefined ? 'not-text' : undefined;
  }
}

/** The text of a body; `undefined` for one that is encoded, which was not asked for and could be a bomb, or not UTF-8. */
function decode(chunks: readonly Uint8Array[], encoding: string | undefined): string | undefined {
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}

function flat(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<string, string>;
}
