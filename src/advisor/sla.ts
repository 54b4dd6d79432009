/**
 * The grammar of an SLA, spaces allowed between its words:
 *
 * ```
 * sla      = quantile operator limit [ "over" window ]
 * quantile = "p50" | "p90" | "p95" | "p99" | "p99.9" | "max"
 * operator = "<" | "<="
 * limit    = number ( "ms" | "s" | "m" )              above 0
 * window   = number ( "ms" | "s" | "m" | "h" | "d" )
 * number   = digits [ "." digits ]
 * ```
 *
 * `sla-type.ts` reads the same in the type system; a test holds the two together, positions included.
 */

/** Which share of calls an SLA speaks of. */
export type Quantile = 'p50' | 'p90' | 'p95' | 'p99' | 'p99.9' | 'max';

/** An SLA that has been read. */
export interface Sla {
  readonly quantile: Quantile;
  readonly operator: '<' | '<=';
  /** The limit as it was written, such as `80ms`. */
  readonly limit: string;
  /** Over which time it is measured, as it was written; `undefined` when it is not said. */
  readonly window: string | undefined;
}

/** What the text of an SLA lacks, and where. */
export class SlaSyntaxError extends TypeError {
  /** Of the character at which something else was expected; the first is 1. */
  readonly position: number;
  /** What was expected there. */
  readonly expected: string;

  constructor(expected: string, position: number, rest: string) {
    super(`Expected sla to have ${expected} at position ${position}, got ${rest === '' ? 'its end' : `"${rest}"`}`);
    this.name = 'SlaSyntaxError';
    this.position = position;
    this.expected = expected;
  }
}

/** What can be expected, in the words of the errors. */
export const slaWords = {
  quantile: 'p50, p90, p95, p99, p99.9 or max',
  operator: '< or <=',
  number: 'a number',
  decimals: 'decimals',
  limitUnit: 'ms, s or m',
  windowUnit: 'ms, s, m, h or d',
  positive: 'a limit above 0',
  end: '"over" and a window, or its end',
} as const;

/** Reads words from a text, and remembers where it is. */
class SlaReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  skipSpaces(): void {
    while (this.text[this.at] === ' ') this.at++;
  }

  /** One of these words, the longest first where one begins another. */
  word<Word extends string>(words: readonly Word[], expected: string): Word {
    const word = words.find((candidate) => this.text.startsWith(candidate, this.at));
    if (word === undefined) throw this.error(expected);
    this.at += word.length;
    return word;
  }

  digits(expected: string): string {
    const from = this.at;
    while (/[0-9]/.test(this.text[this.at] ?? '')) this.at++;
    if (this.at === from) throw this.error(expected);
    return this.text.slice(from, this.at);
  }

  number(): string {
    const whole = this.digits(slaWords.number);
    if (this.text[this.at] !== '.') return whole;
    this.at++;
    return `${whole}.${this.digits(slaWords.decimals)}`;
  }

  place(): number {
    return this.at;
  }

  error(expected: string, at: number = this.at): SlaSyntaxError {
    return new SlaSyntaxError(expected, at + 1, this.text.slice(at));
  }
}

const quantiles: readonly Quantile[] = ['p50', 'p90', 'p95', 'p99.9', 'p99', 'max'];

/**
 * Reads an SLA: a quantile, `<` or `<=`, a limit, and the window over which it is measured, if it says.
 *
 * @throws {SlaSyntaxError} with the position of the first character that cannot be.
 * @example
 * parseSla('p99.9 <= 1.5s over 5m') // => { quantile: 'p99.9', operator: '<=', limit: '1.5s', window: '5m' }
 */
export function parseSla(text: string): Sla {
  if (typeof text !== 'string') throw new TypeError(`Expected sla to be text such as "p99<80ms", got ${typeof text}`);
  const reader = new SlaReader(text);
  reader.skipSpaces();
  const quantile = reader.word(quantiles, slaWords.quantile);
  reader.skipSpaces();
  const operator = reader.word(['<=', '<'], slaWords.operator);
  reader.skipSpaces();
  const place = reader.place();
  const number = reader.number();
  if (/^[0.]*$/.test(number)) throw reader.error(slaWords.positive, place);
  const limit = number + reader.word(['ms', 's', 'm'], slaWords.limitUnit);
  reader.skipSpaces();
  if (reader.isAtEnd) return { quantile, operator, limit, window: undefined };
  reader.word(['over'], slaWords.end);
  reader.skipSpaces();
  const window = reader.number() + reader.word(['ms', 's', 'm', 'h', 'd'], slaWords.windowUnit);
  reader.skipSpaces();
  if (!reader.isAtEnd) throw reader.error('its end');
  return { quantile, operator, limit, window };
}
