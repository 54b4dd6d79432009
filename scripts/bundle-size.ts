/**
 * What a browser has to load of makegood: minified and compressed, by what is imported. `node scripts/bundle-size.ts`
 * prints the table of docs/benchmarks.md; with the name of a bundle it prints what that is made of.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const source = join(import.meta.dirname, '../src');

/** A bundle that is measured: what is imported from the sources, and how many bytes it may have at most. */
export interface MeasuredBundle {
  readonly name: string;
  readonly code: string;
  readonly budgetBytes: number;
}

const door = (...rooms: readonly string[]): string =>
  rooms.map((room) => `export * from '${source}/${room}/index.ts';`).join('\n');
const names = (list: string, file: string): string => `export { ${list} } from '${source}/${file}.ts';`;

/** The bundles there is a budget for. A budget is what was reached, and a little for the next line of code. */
export const measuredBundles: readonly MeasuredBundle[] = [
  { name: 'sleep', code: names('sleep', 'time/sleep'), budgetBytes: 1800 },
  { name: 'isTransient', code: names('isTransient', 'predicate/transient'), budgetBytes: 2350 },
  { name: 'exponential', code: names('exponential', 'backoff/exponential'), budgetBytes: 1250 },
  { name: 'timeout', code: names('timeout', 'guards/timeout'), budgetBytes: 2750 },
  { name: 'retry', code: names('retry', 'retry/retry'), budgetBytes: 8700 },
  { name: 'all of retry and backoff', code: door('retry', 'backoff'), budgetBytes: 11_100 },
  { name: 'all of retry, backoff, predicate', code: door('retry', 'backoff', 'predicate'), budgetBytes: 11_700 },
  { name: 'every policy', code: door('retry', 'backoff', 'guards', 'policy'), budgetBytes: 18_000 },
];

/** A bundle as it is: compressed size, and the modules it is made of, the largest first. */
export interface BundleSize {
  readonly minifiedBytes: number;
  readonly gzipBytes: number;
  readonly modules: readonly { readonly path: string; readonly bytes: number }[];
}

/** Bundles `code` as a browser would get it, and measures it. */
export async function measureBundle(code: string): Promise<BundleSize> {
  const entry = 'virtual:entry';
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? code : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  const [chunk] = output;
  const modules = Object.entries(chunk.modules)
    .map(([path, { renderedLength }]) => ({ path: path.replace(`${source}/`, ''), bytes: renderedLength }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((left, right) => right.bytes - left.bytes);
  return { minifiedBytes: chunk.code.length, gzipBytes: gzipSync(chunk.code, { level: 9 }).length, modules };
}

async function printAll(): Promise<void> {
  console.log('| imported | minified, bytes | and gzip, bytes | budget |\n| --- | --- | --- | --- |');
  for (const { name, code, budgetBytes } of measuredBundles) {
    const { minifiedBytes, gzipBytes } = await measureBundle(code);
    const cells = [minifiedBytes, gzipBytes, budgetBytes].map((bytes) => bytes.toLocaleString('en'));
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

if (import.meta.main) {
  const wanted = measuredBundles.find(({ name }) => name === process.argv[2]);
  if (wanted === undefined) await printAll();
  else console.table((await measureBundle(wanted.code)).modules);
}
