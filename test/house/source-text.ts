/**
 * Source text with the contents of its comments, strings, template texts and regular expressions replaced by spaces, so
 * that a rule sees code only. Every offset and line stays where it was; quotes and `${}` expressions stay too.
 */
export function codeOnly(source: string): string {
  return new Scanner(source).run();
}

/** The reverse of {@link codeOnly}: only the comments are left, all else is spaces. */
export function commentsOnly(source: string): string {
  return splice(source, { comments: source, rest: blankOf(source) });
}

/** The source with spaces for its comments; strings and templates stay as they are. */
export function withoutComments(source: string): string {
  return splice(source, { comments: blankOf(source), rest: source });
}

function blankOf(source: string): string {
  return source.replaceAll(/[^\n]/g, ' ');
}

/** Takes what stands where the source has comments from one text, and all else from another of equal length. */
function splice(source: string, from: { readonly comments: string; readonly rest: string }): string {
  const scanner = new Scanner(source);
  scanner.run();
  let spliced = '';
  let at = 0;
  for (const [start, end] of scanner.comments) {
    spliced += from.rest.slice(at, start) + from.comments.slice(start, end);
    at = end;
  }
  return spliced + from.rest.slice(at);
}

/** The line (1-based) on which an offset stands. */
export function lineOf(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < offset; at = source.indexOf('\n', at + 1)) line++;
  return line;
}

// After one of these words a slash begins a regular expression, though after any other word it divides.
const wordsBeforeExpression = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await'.split(' '),
);
const wordsBeforeCondition = new Set(['if', 'while', 'for', 'with']);
const wordPattern = /[\w$\u0080-\uffff]+/y;
const wordCharacter = /[\w$\u0080-\uffff]/;

/**
 * States: code, and inside it a stack of open brackets. A `{` opened by `${` returns to its template when it closes; a
 * `(` remembers whether a condition (`if (…)`) opened it, because only then a slash after its `)` is no division.
 */
class Scanner {
  /** Offsets [from, to) of each comment. */
  readonly comments: [from: number, to: number][] = [];
  private readonly source: string;
  private readonly kept: string[];
  private readonly brackets: ('${' | '{' | '[' | '(' | 'if(')[] = [];
  private at = 0;
  /** The last thing of code before `at`: a word, a punctuator, or a whole literal as `'"'`. */
  private last = '';
  private lastClosedCondition = false;

  constructor(source: string) {
    this.source = source;
    this.kept = source.split('');
  }

  run(): string {
    while (this.at < this.source.length) this.step();
    return this.kept.join('');
  }

  private step(): void {
    const char = this.source[this.at] as string;
    if (/\s/.test(char)) this.at++;
    else if (this.source.startsWith('//', this.at)) this.comment(this.endOf('\n'));
    else if (this.source.startsWith('/*', this.at)) this.comment(this.endOf('*/') + 2);
    else if (char === '"' || char === "'") this.string(char);
    else if (char === '`') this.template();
    else if (char === '/' && this.slashBeginsExpression()) this.regularExpression();
    else this.punctuatorOrWord(char);
  }

  private comment(end: number): void {
    const stop = Math.min(end, this.source.length);
    this.comments.push([this.at, stop]);
    this.blankUntil(stop, 0);
  }

  private endOf(mark: string): number {
    const end = this.source.indexOf(mark, this.at);
    return end === -1 ? this.source.length : end;
  }

  /** Blanks from here to `end` but for newlines, keeping `edge` characters at both ends, and goes on after it. */
  private blankUntil(end: number, edge: number): void {
    const stop = Math.min(end, this.source.length);
    for (let index = this.at + edge; index < stop - edge; index++)
      if (this.kept[index] !== '\n') this.kept[index] = ' ';
    this.at = stop;
  }

  private string(quote: string): void {
    let end = this.at + 1;
    while (end < this.source.length && this.source[end] !== quote && this.source[end] !== '\n') {
      end += this.source[end] === '\\' ? 2 : 1;
    }
    this.blankUntil(end + 1, 1);
    this.last = '"';
  }

  private template(): void {
    let end = this.at + 1;
    while (end < this.source.length && this.source[end] !== '`' && !this.source.startsWith('${', end)) {
      end += this.source[end] === '\\' ? 2 : 1;
    }
    if (this.source[end] === '$') {
      this.blankUntil(end + 1, 1);
      this.kept[end] = '$';
      this.at = end + 2;
      this.brackets.push('${');
      this.last = '{';
    } else {
      this.blankUntil(end + 1, 1);
      this.last = '"';
    }
  }

  private slashBeginsExpression(): boolean {
    if (this.last === ')') return this.lastClosedCondition;
    if (this.last === ']' || this.last === '"') return false;
    return wordCharacter.test(this.last[0] ?? '') ? wordsBeforeExpression.has(this.last) : true;
  }

  private regularExpression(): void {
    let end = this.at + 1;
    let inClass = false;
    for (; end < this.source.length && this.source[end] !== '\n'; end++) {
      const char = this.source[end];
      if (char === '\\') end++;
      else if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      else if (char === '/' && !inClass) break;
    }
    this.blankUntil(end + 1, 1);
    this.last = '"';
  }

  private punctuatorOrWord(char: string): void {
    wordPattern.lastIndex = this.at;
    const word = wordPattern.exec(this.source)?.[0];
    if (word !== undefined) {
      this.at += word.length;
      this.last = word;
      return;
    }
    this.at++;
    if (char === '(') this.brackets.push(wordsBeforeCondition.has(this.last) ? 'if(' : '(');
    else if (char === '{' || char === '[') this.brackets.push(char);
    else if (char === ')' || char === '}' || char === ']') {
      const opened = this.brackets.pop();
      this.lastClosedCondition = opened === 'if(';
      if (opened === '${' && char === '}') {
        this.at--;
        this.template();
        return;
      }
    }
    // After `i++` and the `!` of `x! / 2` a slash divides, though after `+` and the `!` of `!/x/` it does not.
    const before = this.source[this.at - 2] ?? '';
    if ((char === '+' || char === '-') && before === char) this.last = '"';
    else if (char !== '!' || !/[\w$)\]]/.test(before)) this.last = char;
  }
}
