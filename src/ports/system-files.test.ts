import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesContract } from '../testing/files-suite.ts';
import { FileLockedError } from './file-locked-error.ts';
import { systemFiles } from './system-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/makegood-files-`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('keeps the contract of files', () => {
  for (const check of filesContract) test(check.name, () => check.run(systemFiles, folder));
});

test('what it makes is readable by its owner only', async () => {
  await systemFiles.makeDirectory(`${folder}/data`);
  await (await systemFiles.open(`${folder}/data/a`, 'create')).close();
  expect((await stat(`${folder}/data`)).mode & 0o777).toBe(0o700);
  expect((await stat(`${folder}/data/a`)).mode & 0o777).toBe(0o600);
});

test('exists: an error other than "not there" is thrown, not taken for "no"', async () => {
  await expect(systemFiles.exists(`${folder}/${'x'.repeat(300)}`)).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
});

test('a lock that cannot be taken for another reason is not called locked', async () => {
  await expect(systemFiles.lock(`${folder}/none/LOCK`)).rejects.not.toBeInstanceOf(FileLockedError);
});

test('a released lock leaves no word of its holder', async () => {
  await (await systemFiles.lock(`${folder}/LOCK`)).release();
  expect(await readdir(folder)).toEqual(['LOCK']);
});

test('lock: refused to another process with the holder named, and free once the holder was killed', async () => {
  const code = `
    import { systemFiles } from ${JSON.stringify(new URL('./system-files.ts', import.meta.url).href)};
    await systemFiles.lock(${JSON.stringify(`${folder}/LOCK`)});
    console.log('locked');
    setInterval(() => undefined, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const refusal = await systemFiles.lock(`${folder}/LOCK`).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(FileLockedError);
  expect(refusal).toMatchObject({ path: `${folder}/LOCK`, code: 'MAKEGOOD_FILE_LOCKED' });
  expect(String(refusal)).toContain(`process ${holder.pid} since `);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await systemFiles.lock(`${folder}/LOCK`)).release();
});
