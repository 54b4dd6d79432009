// A body nobody reads holds its connection: with undici the socket stays busy until the garbage collector comes by
// (undici, "Garbage Collection"). Cancelling frees it by closing it; reading a short body to its end keeps it for reuse,
// which is what a server in trouble needs, since a new connection costs it more than a few bytes.

// An error page with its stack trace fits; more is not worth the traffic.
const longestDrain = 64 * 1024;

/**
 * Lets go of an answer that nobody will read: reads on in the background as long as it is short, and closes it otherwise.
 *
 * @param maxBytes how much is read; with 0 it is closed at once.
 *
 * @returns ends the reading at once, if it is still going on. Safe to call twice.
 */
export function letGo(response: Response, maxBytes: number = longestDrain): () => void {
  const { body } = response;
  if (body === null || body.locked) return nothingLeft;
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  // A body that fails while it is drained has closed its connection by itself.
  const close = (): void => void reader.cancel().catch(nothingLeft);
  const tooLong = Number(response.headers.get('content-length') ?? 0) >= maxBytes;
  if (tooLong) close();
  else drain(reader, maxBytes).catch(nothingLeft);
  return close;
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<void> {
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.byteLength;
    if (bytes > maxBytes) return reader.cancel();
  }
}

function nothingLeft(): void {
  // The connection is free or gone already.
}
