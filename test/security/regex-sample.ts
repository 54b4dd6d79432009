/** Text that a regular expression matches, by taking the first way everywhere: what an attack begins with. */

const classSamples: Readonly<Record<string, string>> = {
  d: '1',
  w: 'a',
  s: ' ',
  D: 'x',
  W: '-',
  S: 'x',
  n: '\n',
  r: '\r',
  t: '\t',
  b: '',
  B: '',
};

class Sampler {
  private readonly source: string;
  private at = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** One alternative after the other; the first counts. */
  alternatives(): string {
    const first = this.sequence();
    while (this.source[this.at] === '|') {
      this.at++;
      this.sequence();
    }
    return first;
  }

  private sequence(): string {
    let text = '';
    while (this.at < this.source.length && !'|)'.includes(this.source[this.at] ?? ''))
      text += this.repeated(this.atom());
    return text;
  }

  private atom(): string {
    const here = this.source[this.at++] ?? '';
    if (here === '(') return this.group();
    if (here === '[') return this.classMember();
    if (here === '\\') return this.escape();
    if (here === '^' || here === '$') return '';
    return here === '.' ? 'x' : here;
  }

  private group(): string {
    const head = /^\?(?:[:=!]|<[=!]|<[^>]*>)/.exec(this.source.slice(this.at))?.[0] ?? '';
    this.at += head.length;
    const inside = this.alternatives();
    this.at++;
    return /[=!]$/.test(head) ? '' : inside;
  }

  private escape(): string {
    const here = this.source[this.at++] ?? '';
    if (here === 'p' || here === 'P') {
      this.at = this.source.indexOf('}', this.at) + 1;
      return 'a';
    }
    const digits = here === 'u' ? 4 : here === 'x' ? 2 : 0;
    if (digits > 0) {
      const braced = /^\{(?<hex>[0-9a-fA-F]+)\}/.exec(this.source.slice(this.at));
      const hex = braced?.groups?.['hex'] ?? this.source.slice(this.at, this.at + digits);
      this.at += braced?.[0].length ?? digits;
      return String.fromCodePoint(Number.parseInt(hex, 16));
    }
    return classSamples[here] ?? here;
  }

  private classMember(): string {
    const isNegated = this.source[this.at] === '^';
    if (isNegated) this.at++;
    let first: string | undefined;
    while (this.source[this.at] !== ']' || first === undefined) {
      const member = this.source[this.at] === '\\' ? (this.at++, this.escape()) : (this.source[this.at++] ?? '');
      first ??= member;
      if (this.at >= this.source.length) break;
    }
    this.at++;
    return isNegated ? '~' : first;
  }

  private repeated(atom: string): string {
    const quantifier = /^(?:[*+?]|\{(?<least>\d+)(?:,\d*)?\})\??/.exec(this.source.slice(this.at));
    if (quantifier === null) return atom;
    this.at += quantifier[0].length;
    return atom.repeat(Math.max(1, Number(quantifier.groups?.['least'] ?? 1)));
  }
}

/** A text that the expression matches, or nearly: look-arounds are left out. */
export function sampleOf(source: string): string {
  return new Sampler(source).alternatives();
}

/** Characters that the expression speaks of, one of each class, and one that it does not. */
export function alphabetOf(source: string): readonly string[] {
  const spoken = [
    ...Array.from(sampleOf(source)),
    ...Array.from(source).filter((letter) => /[^\\()[\]{}?*+|^$]/.test(letter)),
  ];
  const classes = ['w', 's', 'd'].flatMap((name) =>
    source.includes(`\\${name}`) ? [classSamples[name] as string] : [],
  );
  return [...new Set([...classes, ...spoken, 'a', ' '])].slice(0, 24);
}
