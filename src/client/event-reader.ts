/** Server-sent events as they come off a stream (WHATWG HTML, "Parsing an event stream"). */

/** An event as it was sent. */
export interface SentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

// A record with an input of 1 MiB is one event; what is longer by far is not from our server.
const longestEvent = 8 * 1024 * 1024;

function eventOf(lines: readonly string[]): SentEvent | undefined {
  let [id, event] = ['', 'message'];
  const data: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    const field = line.slice(0, colon);
    if (field === 'id') id = value;
    else if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { id, event, data: data.join('\n') };
}

/**
 * Reads the events of a stream until it ends.
 *
 * @throws {RangeError} for an event longer than 8 MiB.
 */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      text += decoder.decode(next.value, { stream: true });
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? '';
      if (text.length > longestEvent) throw new RangeError(`Expected an event of at most ${longestEvent} characters`);
      for (const block of blocks) {
        const event = eventOf(block.split(/\r?\n/));
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
