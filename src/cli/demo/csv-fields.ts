/**
 * Splits one line of CSV into its fields (RFC 4180, one record a line): commas separate, a field may stand in double
 * quotes, a quote inside it is doubled.
 *
 * A quoted line break is refused on purpose: a forgotten closing quote then costs one row and not the rest of the file.
 *
 * @throws {SyntaxError} for a quote where none may stand, or one that is not closed.
 * @example
 * csvFields('1,"Smith, J. ""Jo""",2') // => ['1', 'Smith, J. "Jo"', '2']
 */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  do {
    const field = line[at] === '"' ? quotedField(line, at) : plainField(line, at);
    fields.push(field.text);
    at = field.end + 1;
  } while (at <= line.length);
  return fields;
}

interface Field {
  readonly text: string;
  /** Where the comma after it stands, or the line ends. */
  readonly end: number;
}

function plainField(line: string, start: number): Field {
  const comma = line.indexOf(',', start);
  const end = comma === -1 ? line.length : comma;
  const text = line.slice(start, end);
  if (text.includes('"')) throw new SyntaxError(`a quote stands inside the unquoted field ${JSON.stringify(text)}`);
  return { text, end };
}

function quotedField(line: string, start: number): Field {
  let text = '';
  for (let at = start + 1; ; ) {
    const quote = line.indexOf('"', at);
    if (quote === -1) throw new SyntaxError(`the quote at character ${start + 1} is not closed on its line`);
    text += line.slice(at, quote);
    const next = line[quote + 1];
    if (next === undefined || next === ',') return { text, end: quote + 1 };
    if (next !== '"')
      throw new SyntaxError(`expected a comma after the quoted field that ends at character ${quote + 1}`);
    text += '"';
    at = quote + 2;
  }
}
