import { expect, test } from 'vitest';
import { measureBundle, measuredBundles } from '../../scripts/bundle-size.ts';

for (const { name, code, budgetBytes } of measuredBundles) {
  test(`a browser that imports ${name} loads at most ${budgetBytes} bytes, and nothing of Node`, async () => {
    const { gzipBytes, modules } = await measureBundle(code);
    expect(gzipBytes, `${name}: see "node scripts/bundle-size.ts '${name}'"`).toBeLessThanOrEqual(budgetBytes);
    expect(modules.filter(({ path }) => path.includes('node_modules'))).toEqual([]);
  });
}

test('what is not imported is not loaded: nothing runs at import that a bundler would have to keep', async () => {
  const { gzipBytes } = await measureBundle(`import '${import.meta.dirname}/../../src/index.ts';`);
  expect(gzipBytes).toBeLessThan(100);
});
