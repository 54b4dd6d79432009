const encoder = new TextEncoder();
// A leading byte order mark is a character of the text like any other here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// Above this, one call into the engine's encoder is faster than a loop over the characters.
const loopUpTo = 48;

/**
 * Writes text as UTF-8; the target has room for three bytes a UTF-16 unit or for the exact length.
 *
 * @returns the number of bytes written. Lone surrogates become U+FFFD, as everywhere on the web.
 */
export function writeText(target: Uint8Array, position: number, text: string): number {
  const { length } = text;
  if (length <= loopUpTo) {
    let index = 0;
    for (; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) break;
      target[position + index] = code;
    }
    if (index === length) return length;
  }
  return encoder.encodeInto(text, target.subarray(position)).written;
}

/** The exact number of bytes {@link writeText} will write. */
export function textBytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x7f) continue;
    const pair =
      code >= 0xd800 && code <= 0xdbff && index + 1 < text.length && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    // A pair is two units and four bytes; any other unit above U+07FF, a lone surrogate too, is three bytes.
    bytes += pair || code > 0x7ff ? 2 : 1;
    if (pair) index++;
  }
  return bytes;
}

/**
 * Reads short texts back and remembers the last ones: the ids in a log repeat, and comparing bytes with a string that is
 * there already costs a fraction of making a new one.
 */
export class TextReader {
  // Made when there is something to remember: most files that are opened for one line are asked for none.
  private remembered: string[] | undefined;

  read(source: Uint8Array, start: number, end: number): string {
    if (start === end) return '';
    let hash = 0;
    for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + (source[index] as number)) | 0;
    const slot = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & 1023;
    const remembered = (this.remembered ??= Array.from<string>({ length: 1024 }).fill(''));
    const known = remembered[slot] as string;
    if (isAsciiOf(known, source, start, end)) return known;
    const text = decoder.decode(source.subarray(start, end));
    remembered[slot] = text;
    return text;
  }
}

function isAsciiOf(text: string, source: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) {
    const byte = source[start + index] as number;
    if (byte > 127 || text.charCodeAt(index) !== byte) return false;
  }
  return true;
}
