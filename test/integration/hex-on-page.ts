/** The bytes of a hex dump in the page: lines `offset: two digits … | what it is`, after the heading given. */
export function hexUnder(page: string, heading: string): { readonly offset: number; readonly bytes: Uint8Array } {
  const block = /```text\n([^`]*)```/.exec(page.slice(page.indexOf(heading)))?.[1] ?? '';
  const lines = block.trim().split('\n');
  const digits = lines.map((line) =>
    line
      .replace(/^[0-9a-f]+:/, '')
      .replace(/\|.*/, '')
      .replaceAll(' ', ''),
  );
  return { offset: Number.parseInt(lines[0] ?? '', 16), bytes: new Uint8Array(Buffer.from(digits.join(''), 'hex')) };
}
