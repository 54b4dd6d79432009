/** Inputs that chance makes of good ones: each is nearly right, which gets further into a parser than noise does. */
import type { Random } from '../../src/ports/random.ts';

const magic: readonly string[] = [
  '\\u005f_proto__',
  '\u0000',
  '\ud800',
  '\u202e',
  '\r\n',
  '%00',
  '%2e%2e',
  '..',
  '//',
  '\\',
  '\uff0e',
  '1e999',
  '-0',
  '9'.repeat(400),
  '[[[[[[[[',
  '{"a":',
  '"',
  "'",
  ',',
  ':',
  '}',
  ']',
  'null',
  '\\ud800',
  '\\u0000',
  '-',
  ' ',
  '\t',
  '=',
  ';',
  '0x7f.1',
  '[::ffff:127.0.0.1]',
  '5xx',
  '1h',
  'NaN',
  'results.a',
  '$from',
];

/** Draws inputs. */
export class Inputs {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  /** One of the texts, changed in up to four places. */
  mutated(texts: readonly string[]): string {
    let text = this.pick(texts);
    for (let changes = this.below(5); changes > 0; changes--) text = this.changed(text);
    return text.slice(0, 100_000);
  }

  private changed(text: string): string {
    const at = this.below(text.length + 1);
    const until = at + this.below(Math.min(20, text.length - at + 1));
    switch (this.below(6)) {
      case 0:
        return text.slice(0, at) + this.pick(magic) + text.slice(at);
      case 1:
        return text.slice(0, at) + text.slice(until);
      case 2:
        return text.slice(0, at) + text.slice(at, until).repeat(1 + this.below(40)) + text.slice(until);
      case 3:
        return text.slice(0, at) + String.fromCharCode(this.below(0x300)) + text.slice(at + 1);
      case 4:
        return text.slice(0, at) + this.pick(magic) + text.slice(until);
      default:
        return text.slice(0, at);
    }
  }
}
