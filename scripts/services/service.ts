import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real server on the loopback address, with a folder of its own, for as long as a test needs it. */
export interface Service extends AsyncDisposable {
  /** Where clients connect, as their library wants it. */
  readonly url: string;
  readonly port: number;
  /** Its data and configuration; removed with it. */
  readonly folder: string;
  /** Ends the server's process: `'SIGKILL'` as a crash would, `'SIGSTOP'` and `'SIGCONT'` to let it hang and go on. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves when its process has ended: with its exit status, `null` when a signal ended it. */
  ended(): Promise<number | null>;
  /** Starts a killed server again, on the same port and data. */
  restart(): Promise<void>;
}

/** How one kind of server is started. */
export interface ServiceKind {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: (place: Place) => readonly string[];
  /** Makes the data folder ready, once. */
  readonly prepare?: (place: Place) => void;
  readonly url: (port: number) => string;
  /** Whether it answers. Default: it accepts a connection. */
  readonly isReady?: (port: number) => Promise<boolean>;
  /** The user it runs as when we are root. Default: the one we are. */
  readonly uid?: number | undefined;
  /** How long it may take to answer. Default 30 s. */
  readonly startLimitMs?: number;
}

export interface Place {
  readonly folder: string;
  readonly port: number;
  /** Another free port, for servers that need two. */
  readonly secondPort: number;
}

const defaultStartLimitMs = 30_000;
const pollMs = 20;

/** Starts a server and resolves when it answers. */
export async function startService(kind: ServiceKind): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), `makegood-${kind.name}-`));
  const place: Place = { folder, port: await freePort(), secondPort: await freePort() };
  kind.prepare?.(place);
  let running = await launch(kind, place);
  return {
    url: kind.url(place.port),
    port: place.port,
    folder,
    signal: (signal) => void running.kill(signal),
    async ended() {
      await ended(running);
      return running.exitCode;
    },
    async restart() {
      await ended(running);
      running = await launch(kind, place);
    },
    async [Symbol.asyncDispose]() {
      running.kill('SIGKILL');
      await ended(running);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function launch(kind: ServiceKind, place: Place): Promise<ChildProcess> {
  const [program = '', ...args] = kind.command(place);
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'], cwd: place.folder };
  const child = spawn(program, args, kind.uid === undefined ? options : { ...options, uid: kind.uid, gid: kind.uid });
  // A test process that is killed runs no clean-up; one that exits must not leave its servers behind.
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  child.once('exit', () => process.off('exit', killNow));
  let said = '';
  const listen = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-4000));
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  let failure: Error | undefined;
  child.once('error', (error) => void (failure = error));
  const { isReady = acceptsConnections, startLimitMs = defaultStartLimitMs } = kind;
  const startedMs = performance.now();
  while (!(await isReady(place.port))) {
    const late = performance.now() - startedMs > startLimitMs;
    if (failure !== undefined || child.exitCode !== null || late) {
      child.kill('SIGKILL');
      const why = failure?.message ?? (late ? `no answer in ${startLimitMs} ms` : `exit code ${child.exitCode}`);
      throw new Error(`${kind.name} did not start (${program}): ${why}\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Whether something listens there. */
async function acceptsConnections(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Whether a program can be found on this machine. */
export function hasProgram(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v "${program}"`], { stdio: 'ignore' }).status === 0;
}
