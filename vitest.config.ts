import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['makegood:source'] },
  ssr: { resolve: { conditions: ['makegood:source'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/house/fixtures/**'],
    allowOnly: false,
    setupFiles: ['test/setup/property-seed.ts'],
    testTimeout: 30_000,
    pool: 'forks',
  },
});
