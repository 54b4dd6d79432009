import { expect, test } from 'vitest';
import { codeOnly, commentsOnly, lineOf, withoutComments } from './source-text.ts';

test('blanks comments, strings and template texts, and keeps every offset', () => {
  const source = "a('//', \"/*\", `x ${b('}')} y`); // c\n/* d\n e */ f";
  const code = codeOnly(source);
  expect(code).toBe("a('  ', \"  \", `  ${b(' ')}  `);     \n    \n      f");
  expect(code.length).toBe(source.length);
});

test('tells a regular expression from a division', () => {
  expect(codeOnly('x = a / b / c')).toBe('x = a / b / c');
  expect(codeOnly('x = (a) / b[0] / c')).toBe('x = (a) / b[0] / c');
  expect(codeOnly(String.raw`x = /a[/']\/'/g.test(b)`)).toBe('x = /        /g.test(b)');
  expect(codeOnly("if (a) /'/.test(b)")).toBe('if (a) / /.test(b)');
  expect(codeOnly("i++ / 2; x! / 2; '/'")).toBe("i++ / 2; x! / 2; ' '");
  expect(codeOnly("!/'/.test(a) + /'/")).toBe('!/ /.test(a) + / /');
  expect(codeOnly("return /'/")).toBe('return / /');
  expect(codeOnly("`${a}` / 2; '")).toBe("`${a}` / 2; '");
});

test('follows templates within templates', () => {
  expect(codeOnly('`a ${`b ${{ c: "}" }.c} d`} e` + f')).toBe('`  ${`  ${{ c: " " }.c}  `}  ` + f');
});

test('counts lines from 1', () => {
  expect([lineOf('a\nb\nc', 0), lineOf('a\nb\nc', 2), lineOf('a\nb\nc', 4)]).toEqual([1, 2, 3]);
});

test('keeps comments alone, at their places', () => {
  expect(commentsOnly("a('// b'); // c\n/* d */ e")).toBe('           // c\n/* d */  ');
  expect(withoutComments("a('// b'); // c\n/* d */ e")).toBe("a('// b');     \n        e");
});
