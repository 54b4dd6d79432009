// What moves the cursor, paints, or turns the direction of writing, is what others may have put into their names and
// messages to have a terminal say something else: control characters (C0, DEL, C1), the controls of bidirectional text
// (CVE-2021-42574, "Trojan Source"), and what some take for the end of a line.
const deceiving = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\uFEFF]/gu;
const deceivingInJson = /[\u007F-\u009F\p{Bidi_Control}\u2028\u2029\uFEFF]/gu;

function hex(character: string, width: number): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(width, '0');
}

/** A text from outside, fit for a terminal: one line, and what would deceive is written out as `\x1b` or `\u202e`. */
export function visible(text: string): string {
  return text.replaceAll(deceiving, (found) => (found <= '\u00FF' ? `\\x${hex(found, 2)}` : `\\u${hex(found, 4)}`));
}

/** JSON, fit for a terminal, and the same to whoever parses it: `JSON.stringify` leaves all but C0 as it is. */
export function visibleJson(json: string): string {
  return json.replaceAll(deceivingInJson, (found) => `\\u${hex(found, 4)}`);
}
