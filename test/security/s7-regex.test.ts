/** S7: regular expressions, and whatever else takes longer the longer its input is, by more than its length. */
import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/journal/index.ts';
import { projectRoot } from '../house/house.ts';
import { alphabetOf, sampleOf } from './regex-sample.ts';
import { type RegexLiteral, regexLiterals } from './regex-literals.ts';

const literals = regexLiterals(projectRoot, ['src']);
// From so few that an exponential expression still ends, to so many that a quadratic one is seen.
const sizes = [8, 12, 18, 24, 32, 64, 250, 1000, 4000];

/** The shortest of a few times, in ms: the others had something else to do meanwhile. */
function timeOf(pattern: RegExp, text: string, tries = 1): number {
  let shortest = Infinity;
  for (let run = 0; run < tries; run++) {
    pattern.lastIndex = 0;
    const before = performance.now();
    pattern.test(text);
    shortest = Math.min(shortest, performance.now() - before);
  }
  return shortest;
}

/** Attacks on an expression: the beginning of what it matches, then the same over and over, then what it cannot match. */
function* attacksOn(source: string): Generator<(size: number) => string> {
  const sample = sampleOf(source).slice(0, 24);
  const alphabet = alphabetOf(source);
  const pairs = alphabet.slice(0, 6).flatMap((one) => alphabet.slice(0, 6).map((other) => one + other));
  const words = sample === '' ? [] : [sample, sample.slice(-3)];
  for (let cut = 0; cut <= sample.length; cut++) {
    for (const pump of [...alphabet, ...pairs, ...words]) {
      yield (size) => `${sample.slice(0, cut)}${pump.repeat(size / pump.length)}\u0000\n`;
    }
  }
}

/** Whether longer text takes longer by more than its length: a quadratic expression takes four times as long for twice. */
function findSlow({ source, flags }: RegexLiteral): string | undefined {
  const pattern = new RegExp(source, flags);
  for (const attack of attacksOn(source)) {
    for (const size of sizes) {
      if (timeOf(pattern, attack(size)) < 1) continue;
      // Something else may have taken the processor: what is slow is slow again.
      const [half, whole] = [timeOf(pattern, attack(size / 2), 5), timeOf(pattern, attack(size), 5)];
      if (whole > 1 && whole > 3 * half) return `${JSON.stringify(attack(12))}: ${whole.toFixed(2)} ms for ${size}`;
      break;
    }
  }
  return undefined;
}

describe('S7.1 every regular expression takes a time that grows with its input and no faster', () => {
  test('the sources have been read', () => {
    expect(literals.length).toBeGreaterThan(60);
    for (const { source, flags } of literals) expect(() => new RegExp(source, flags)).not.toThrow();
  });

  test.each(['^(a+)+$', String.raw`\s+$`, String.raw`^(?:\w+\s?)*$`, 'xa*a*a*$', '(?:a|aa)+$'])(
    'the attack finds /%s/',
    (source) => {
      expect(findSlow({ file: 'here', source, flags: '' })).toBeDefined();
    },
  );

  test('none of ours is found', () => {
    const slow = literals.flatMap((literal) => {
      const found = findSlow(literal);
      return found === undefined ? [] : [`${literal.file} /${literal.source}/ ${found}`];
    });
    expect(slow).toEqual([]);
  }, 120_000);
});

test('S7.2 what lists are searched for is compared, and never taken for a pattern', async () => {
  const journal = memoryJournal();
  for await (const _ of journal.open()) throw new Error('it is empty');
  for (const name of ['(a+)+$', '.*', '[', '\\', 'a'.repeat(200)]) {
    const before = performance.now();
    expect((await journal.list({ name })).items).toEqual([]);
    expect(performance.now() - before).toBeLessThan(50);
  }
});
