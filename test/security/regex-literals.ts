import { readHouse } from '../house/house.ts';
import { codeOnly } from '../house/source-text.ts';

/** A regular expression as it stands in a source. */
export interface RegexLiteral {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

// Where only code is left of a source, an expression is two slashes with spaces between.
const emptied = /\/(?<inside> +)\/(?<flags>[a-z]*)/g;

function literalsOf(file: string, text: string): RegexLiteral[] {
  // The first line of a program names its interpreter by a path.
  const code = codeOnly(text.startsWith('#!') ? text.replace('#!', '//') : text);
  return [...code.matchAll(emptied)].map(({ index, groups }) => {
    const { inside = '', flags = '' } = groups ?? {};
    return { file, source: text.slice(index + 1, index + 1 + inside.length), flags };
  });
}

/** Every regular expression that is written in these folders; tests do not count. */
export function regexLiterals(root: string, folders: readonly string[]): readonly RegexLiteral[] {
  return [...readHouse(root, folders)]
    .filter(([file]) => !file.endsWith('.test.ts'))
    .flatMap(([file, text]) => literalsOf(file, text));
}
