import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What the command was given, and what came of it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** An answer, read. */
export interface Read {
  readonly status: number;
  readonly headers: Headers;
  /** Its JSON, or its text when it is none. */
  readonly body: ReturnType<typeof JSON.parse>;
}

/** A server in a process of its own, on a folder that outlives it. */
export class ServerProcess implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'makegood-server-'));
  url = '';
  log = '';
  private readonly flags: readonly string[];
  private child: ChildProcess | undefined;

  constructor(flags: readonly string[] = []) {
    this.flags = flags;
  }

  /** Starts it on whatever stands in its folder; resolves when it listens. */
  async start(): Promise<void> {
    const args = [main, 'serve', '--listen', '127.0.0.1:0', '--data', join(this.folder, 'data'), ...this.flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    const [line] = (await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`the server ended: ${this.log}`))),
    ])) as [Buffer];
    this.url = line.toString().trim();
  }

  /** Ends the process as a power cut would: nothing of it runs any more. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Asks it to end, and resolves with its exit status. */
  async stop(): Promise<number | null> {
    this.child?.kill('SIGTERM');
    const [code] = (await once(this.child as ChildProcess, 'exit')) as [number | null];
    return code;
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Read> {
    const json = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}${path}`, { method, ...json, headers: { ...type, ...headers } });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json') && text !== '';
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  }

  get(path: string): Promise<Read> {
    return this.ask('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<Read> {
    return this.ask('POST', path, body);
  }

  /** Kills it and starts it again. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** The view of a saga, once it is as wanted. */
  async viewWhen(id: string, wanted: (view: Read['body']) => boolean): Promise<Read['body']> {
    const untilMs = performance.now() + 20_000;
    for (;;) {
      const { body } = await this.get(`/v1/sagas/${id}`);
      if (wanted(body)) return body;
      if (performance.now() > untilMs) throw new Error(`saga "${id}" stays ${JSON.stringify(body)}`);
      await sleep(20);
    }
  }

  /** A saga's outcome, waited for. */
  async outcome(id: string): Promise<Read> {
    for (let turn = 0; turn < 3; turn++) {
      const found = await this.ask('GET', `/v1/sagas/${id}/outcome?wait=10s`);
      if (found.status !== 202 || found.body.status === 'needs-human') return found;
    }
    throw new Error(`saga "${id}" does not end: ${this.log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A call that a participant got. */
export interface Call {
  readonly path: string;
  readonly phase: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly key: string;
  readonly body: unknown;
}

/** What a participant does with a call: answers with a status and body, or not at all. */
export type Script = (
  call: Call,
) =>
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | 'silence'
  | 'reset';

/** Participants on this machine that do what a script says, and remember every call. */
export class ScriptedPeers implements AsyncDisposable {
  readonly calls: Call[] = [];
  private readonly server: http.Server;
  private waiting: { readonly is: (call: Call) => boolean; readonly tell: () => void }[] = [];

  constructor(script: Script = () => ({})) {
    this.server = http.createServer((request, reply) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => this.answer(request, text, reply, script));
    });
  }

  private answer(
    { headers, url = '', socket }: http.IncomingMessage,
    text: string,
    reply: http.ServerResponse,
    script: Script,
  ): void {
    const call: Call = {
      path: url,
      phase: String(headers['makegood-phase']),
      attempt: Number(headers['makegood-attempt']),
      epoch: Number(headers['makegood-epoch']),
      key: String(headers['idempotency-key']),
      body: JSON.parse(text),
    };
    this.calls.push(call);
    const said = script(call);
    if (said === 'reset') socket.resetAndDestroy();
    else if (said !== 'silence') {
      reply.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers });
      reply.end(JSON.stringify(said.body ?? { of: url }));
    }
    for (const waiter of this.waiting.filter(({ is }) => is(call))) waiter.tell();
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when such a call has come. */
  seen(is: (call: Call) => boolean): Promise<void> {
    if (this.calls.some(is)) return Promise.resolve();
    return new Promise((tell) => this.waiting.push({ is, tell }));
  }

  /** The calls in words: `action /car 1`. */
  get story(): readonly string[] {
    return this.calls.map(({ phase, path, attempt }) => `${phase} ${path} ${attempt}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
