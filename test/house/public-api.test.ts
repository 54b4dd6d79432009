import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from './house.ts';
import { emitDeclarations, listPublicApi } from './public-api.ts';

test('the public API is the one on record; `npm run api:update` records a change that is meant', () => {
  const recorded = readFileSync(join(projectRoot, 'test/golden/public-api.txt'), 'utf8');
  expect(listPublicApi(emitDeclarations(projectRoot))).toBe(recorded);
});

test('lists each door with kinds and signatures, without comments and private members', () => {
  const declarations = new Map([
    ['src/index.ts', "export { retry } from './retry/retry.ts';\nexport { Fault } from './errors.ts';\n"],
    [
      'src/errors.ts',
      'export declare class Fault extends Error {\n    private readonly secret;\n    readonly code: string;\n    constructor(facts: {\n        readonly a: 1;\n    });\n}\n',
    ],
    ['src/retry/index.ts', "export { retry, type Options as RetryOptions } from './retry.ts';\n"],
    [
      'src/retry/retry.ts',
      `import type { Clock } from '../ports/clock.ts';
/** Tries again. */
export declare function retry(run: () => void): void;
export declare function retry(run: () => void, options: Options): void;
interface Hidden {
    a: 1;
}
export type Options = 
/** In the middle. */
{
    /** Says "/* not code". */
    readonly kind: 'a // b';
} | {
    readonly clock: Clock;
};
`,
    ],
  ]);
  expect(listPublicApi(declarations)).toBe(`makegood
  class Fault extends Error
    readonly code: string
    constructor(facts: { readonly a: 1; })
  retry: see makegood/retry

makegood/retry
  function retry(run: () => void): void & function retry(run: () => void, options: Options): void
  RetryOptions: type Options = { readonly kind: 'a // b'; } | { readonly clock: Clock; }
`);
});
