import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const participant = fileURLToPath(new URL('participant.ts', import.meta.url));

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('a process under load did not start'))),
  ])) as [Buffer];
  return chunk.toString().trim();
}

/** What a process holds, as Linux tells it. */
export interface Held {
  readonly rssMiB: number;
  readonly fds: number;
  /** User and system time since its start. */
  readonly cpuMs: number;
}

/** A server and a participant, each in a process of its own, and a client of them that sagas are run by. */
export class ServerUnderLoad implements AsyncDisposable {
  private readonly folder = mkdtempSync(join(tmpdir(), 'makegood-load-'));
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  private readonly server: ChildProcess;
  private readonly peer: ChildProcess;
  private base = '';
  private steps: readonly object[] = [];

  /** @param main the command line: a source or a build of it. */
  constructor(main: string) {
    const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const;
    this.peer = spawn(process.execPath, [participant], { stdio: [...stdio] });
    const args = ['serve', '--insecure', '--listen', '127.0.0.1:0', '--data', join(this.folder, 'data')];
    this.server = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  }

  async ready(): Promise<void> {
    const port = await firstLine(this.peer);
    this.base = await firstLine(this.server);
    const at = (name: string): object => ({
      name,
      action: { url: `http://127.0.0.1:${port}/${name}` },
      compensation: { url: `http://127.0.0.1:${port}/${name}/undo` },
    });
    this.steps = [at('reserve'), at('charge'), at('ship')];
  }

  get held(): Held {
    const folder = `/proc/${this.server.pid}`;
    const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1] ?? 'NaN';
    // proc(5): the fields behind the name, of which utime and stime are the 12th and 13th, in hundredths of a second.
    const fields = readFileSync(`${folder}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const cpuMs = 10 * (Number(fields[11]) + Number(fields[12]));
    return { rssMiB: Number(rss) / 1024, fds: readdirSync(`${folder}/fd`).length, cpuMs };
  }

  private request(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request(`${this.base}${path}`, { method, agent: this.agent, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.once('error', reject);
    });
    request.once('error', reject);
    request.end(body);
    return promise;
  }

  /** Starts a saga of three steps and waits for its end. */
  async runSaga(id: string): Promise<void> {
    const input = { sku: 'tea-earl-grey', quantity: 3, customer: 17_850 };
    const started = await this.request(
      'POST',
      '/v1/sagas',
      JSON.stringify({ id, name: 'order', input, steps: this.steps }),
    );
    if (started.status !== 201) throw new Error(`a start was answered ${started.status}: ${started.text}`);
    const ended = await this.request('GET', `/v1/sagas/${id}/outcome?wait=30s`);
    if (ended.status !== 200 || !ended.text.includes('"completed"'))
      throw new Error(`a saga did not complete: ${ended.text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    for (const child of [this.server, this.peer]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
