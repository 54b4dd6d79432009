/**
 * The participants in other languages, built with their own tools. A build is kept by the fingerprint of its sources, in a
 * folder of the machine, so that it costs something only when they have changed.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hasProgram } from './service.ts';

export type Language = 'go' | 'python' | 'java';

interface Toolchain {
  /** Programs that must be there. */
  readonly programs: readonly string[];
  /** Builds into a folder that is empty. */
  readonly build: (source: string, out: string) => readonly string[];
  /** What starts the service that was built there. */
  readonly start: (out: string) => readonly string[];
  /** What its programs must find in the environment, its own tests too. */
  readonly env?: (source: string, out: string) => Readonly<Record<string, string>>;
}

const toolchains: { readonly [Name in Language]: Toolchain } = {
  go: {
    programs: ['go'],
    build: (_, out) => ['go', 'build', '-o', join(out, 'inventory'), './cmd/inventory'],
    start: (out) => [join(out, 'inventory')],
  },
  python: {
    programs: ['python3'],
    build: (_, out) =>
      'python3 -m pip install --quiet --root-user-action=ignore -r requirements.txt -r requirements-dev.txt --target'
        .split(' ')
        .concat(out),
    start: () => ['python3', '-m', 'payments'],
    env: (source, out) => ({ PYTHONPATH: `${source}:${out}`, PYTHONDONTWRITEBYTECODE: '1' }),
  },
  java: {
    programs: ['java', 'mvn'],
    build: (_, out) => ['mvn', '-q', '-B', `-Dout=${out}`, '-DskipTests', 'package'],
    start: (out) => ['java', '-cp', `${join(out, 'classes')}:${join(out, 'lib')}/*`, 'makegood.shipping.Main'],
  },
};

const root = join(import.meta.dirname, '../../participants');

/** Where the sources of a participant are. */
export function sourceOf(language: Language): string {
  return join(root, language);
}

/** The programs of a language that this machine lacks. */
export function missingPrograms(language: Language): readonly string[] {
  return toolchains[language].programs.filter((program) => !hasProgram(program));
}

const built = /(?:^|\/)(?:target|__pycache__)(?:\/|$)/;

function fingerprint(source: string): string {
  const hash = createHash('sha256');
  const paths = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !built.test(path.slice(source.length)));
  for (const path of paths.toSorted()) hash.update(`${path.slice(source.length)}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

/** A participant that can be started. */
export interface BuiltParticipant {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Builds a participant unless that was done before. */
export async function buildParticipant(language: Language): Promise<BuiltParticipant> {
  const source = sourceOf(language);
  const { build, start, env = () => ({}) } = toolchains[language];
  const kept = join(tmpdir(), 'makegood-participants', `${language}-${fingerprint(source)}`);
  if (!existsSync(kept)) {
    mkdirSync(dirname(kept), { recursive: true });
    const fresh = mkdtempSync(`${kept}-`);
    try {
      const [program = '', ...args] = build(source, fresh);
      await promisify(execFile)(program, args, { cwd: source, maxBuffer: 2 ** 24 });
      // Whoever is first wins: two test files may build at the same time, and both are good.
      renameSync(fresh, kept);
    } catch (error) {
      if (!existsSync(kept)) throw error;
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return { command: start(kept), env: env(source, kept) };
}
