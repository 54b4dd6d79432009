import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { doorsOf } from './doors.ts';
import { portableDoors } from './floor-plan.ts';
import { projectRoot, readHouse } from './house.ts';
import { emitDeclarations } from './public-api.ts';

const doors = portableDoors.filter((door) => readHouse(projectRoot, [door]).size > 0);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-package-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the published package holds the build, its sources and four papers, and nothing else', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const allowed = [
    /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
    /^src\/(?:[a-z0-9-]+\/)*[a-z0-9-]+\.ts$/,
    /^dist\/(?:[a-z0-9-]+\/)*[a-z0-9-]+\.(?:js|d\.ts|js\.map|d\.ts\.map)$/,
  ];
  const paths = files.map(({ path }) => path);
  expect(paths.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'src/index.ts']));
});

// What Node adds to the language and the web: a browser or an edge worker has none of it.
const program = `for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) {
  delete globalThis[name];
}
for (const door of ${JSON.stringify(doors.map((door) => pathToFileURL(join(projectRoot, door)).href))}) {
  await import(door);
}
const { retry } = await import('${pathToFileURL(join(projectRoot, 'src/retry/index.ts')).href}');
const { constant } = await import('${pathToFileURL(join(projectRoot, 'src/backoff/index.ts')).href}');
let calls = 0;
const run = async () => {
  if (++calls < 3) throw new Error('not yet');
  return calls;
};
console.log(await retry(run, { maxAttempts: 3, backoff: constant(1), retryable: () => true, deadline: '5s' }));
`;

test('the lower doors run, and a retry with a wait and a deadline works, where nothing of Node is', () => {
  const path = join(temporaryFolder(), 'without-node.mjs');
  writeFileSync(path, program);
  const { stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8', timeout: 20_000 });
  expect({ stdout, stderr }).toEqual({ stdout: '3\n', stderr: '' });
});

test('the declarations of every door but those of adapters need the web platform alone, not the types of Node', {
  timeout: 120_000,
}, () => {
  const folder = temporaryFolder();
  const declarations = emitDeclarations(projectRoot);
  for (const [path, text] of declarations) {
    const target = join(folder, path.replace(/\.ts$/, '.d.ts'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  const compilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    lib: ['es2024', 'esnext.disposable', 'esnext.iterator', 'dom'],
    module: 'nodenext',
  };
  // An adapter's door names the types of its driver.
  const portable = doorsOf(declarations).filter((door) => !door.startsWith('src/adapters/'));
  const files = portable.map((door) => door.replace(/\.ts$/, '.d.ts'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const { stdout } = spawnSync('tsc', ['-p', folder], { cwd: folder, encoding: 'utf8' });
  expect(stdout).toBe('');
});
