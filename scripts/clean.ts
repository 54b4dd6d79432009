import { rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const made = new Set(['dist', 'coverage']);

for (const name of process.argv.slice(2)) {
  if (!made.has(name)) throw new RangeError(`Expected one of ${[...made].join(', ')} to remove, got ${name}`);
  rmSync(join(root, name), { recursive: true, force: true });
}
