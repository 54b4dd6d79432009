import process from 'node:process';

/** How a text may be painted: one meaning, one colour, and always a sign or word beside it that says the same. */
export type Tone = 'good' | 'bad' | 'caution' | 'quiet' | 'strong';

/** Puts a tone on a text, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

// Select Graphic Rendition (ECMA-48): the 16-colour codes, which every terminal's own theme makes readable.
const codes: { readonly [Name in Tone]: number } = { good: 32, bad: 31, caution: 33, quiet: 2, strong: 1 };

/** No colour at all: for files, pipes, and whoever asks for it. */
const plain: Paint = (_tone, text) => text;

const colour: Paint = (tone, text) => `\u001B[${codes[tone]}m${text}\u001B[0m`;

/** Colours on a terminal, none anywhere else or with `NO_COLOR` set (no-color.org). */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  return stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '' ? colour : plain;
}
