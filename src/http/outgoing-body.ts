/** What a request can carry. */
type Body = NonNullable<RequestInit['body']>;
type ByteStream = ReadableStream<Uint8Array>;

/**
 * The body of a request that may have to be sent more than once. What can be sent again is kept as it was when the call
 * began: a caller who goes on writing into its buffer or form changes nothing between two attempts.
 *
 *   kept    text, Blob (immutable), copies of buffers, parameters and forms: sent with every attempt
 *   unread  a stream: read ahead at the first attempt; kept when it ends in time, and once otherwise
 *   once    gone with the first attempt, so there can be no second
 */
export class OutgoingBody {
  private state: 'kept' | 'unread' | 'once';
  private body: Body | undefined;
  private readonly maxBytes: number;

  /**
   * @param body as it was given; a request's own is its stream.
   * @param repeatable whether a second attempt may come at all; a stream is left alone otherwise.
   * @param maxBytes how much of a stream is read ahead.
   */
  constructor(body: Body | undefined, repeatable: boolean, maxBytes: number) {
    const stream = streamOf(body);
    this.body = stream ?? (repeatable ? kept(body) : body);
    this.maxBytes = maxBytes;
    if (stream === undefined) this.state = 'kept';
    else this.state = repeatable && maxBytes > 0 ? 'unread' : 'once';
  }

  /** Whether another attempt could send the same again. */
  get isResendable(): boolean {
    return this.state === 'kept';
  }

  /**
   * The body for the next attempt.
   *
   * @throws the reason of `signal` when it aborts while a stream is read ahead; the stream is cancelled then.
   */
  async next(signal: AbortSignal | undefined): Promise<Body | undefined> {
    if (this.state === 'unread') {
      // Should reading fail, what was read is lost: not to be sent again.
      this.state = 'once';
      const { bytes, rest } = await readAhead(this.body as ByteStream, this.maxBytes, signal);
      this.body = rest ?? bytes;
      if (rest === undefined) this.state = 'kept';
    }
    return this.body;
  }
}

/** Whether it is to be sent as it comes, which fetch wants to be told (`duplex: 'half'`). */
export function isStream(body: unknown): boolean {
  return hasMethod(body, 'getReader');
}

/** A one-shot body as a stream. Node's fetch takes anything that can be iterated asynchronously for one. */
function streamOf(body: Body | undefined): ByteStream | undefined {
  if (isStream(body)) return body as ByteStream;
  return typeof body === 'object' && Symbol.asyncIterator in body ? ReadableStream.from(body) : undefined;
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[name] === 'function';
}

/** A body that later changes by the caller do not reach. A text and a Blob cannot change. */
function kept(body: Body | undefined): Body | undefined {
  if (body instanceof ArrayBuffer) return body.slice();
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  return body instanceof FormData ? copyOfForm(body) : body;
}

function copyOfForm(form: FormData): FormData {
  const copy = new FormData();
  for (const [name, value] of form) {
    if (typeof value === 'string') copy.append(name, value);
    else copy.append(name, value, value.name);
  }
  return copy;
}

/** All of a stream when it is short enough, and otherwise a stream that gives what was read and then the rest. */
async function readAhead(
  stream: ByteStream,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly rest?: ByteStream }> {
  // Only the constructor can tell a stream that someone has read from, which fetch refuses; it would seem empty here.
  void new Response(stream);
  const reader = stream.getReader();
  const stop = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', stop);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    while (length <= maxBytes) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return { bytes: joined(chunks, length) };
      chunks.push(value);
      // A chunk that is no bytes is fetch's to refuse; it ends the reading ahead.
      length += value instanceof Uint8Array ? value.byteLength : Infinity;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  return { bytes: new Uint8Array(), rest: continued(chunks, reader) };
}

function continued(chunks: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ByteStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
