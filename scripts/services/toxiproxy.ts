import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasProgram, type Service, startService } from './service.ts';

const version = '2.12.0';
const folder = join(tmpdir(), `makegood-toxiproxy-${version}`);
const program = join(folder, 'server');

/** Whether Shopify's Toxiproxy is on this machine. */
export function hasToxiproxy(): boolean {
  return existsSync(program);
}

/** Builds it from the Go module proxy; `false` where that cannot be done. */
export function installToxiproxy(): boolean {
  if (hasToxiproxy()) return true;
  if (!hasProgram('go')) return false;
  try {
    const env = { ...process.env, GOBIN: folder };
    const module = `github.com/Shopify/toxiproxy/v2/cmd/server@v${version}`;
    execFileSync('go', ['install', module], { env, stdio: 'ignore' });
    return hasToxiproxy();
  } catch {
    return false;
  }
}

/** What a wire suffers from, as Toxiproxy names it, in ms and kB/s. */
export type Toxic =
  | { readonly type: 'latency'; readonly attributes: { readonly latency: number; readonly jitter: number } }
  | { readonly type: 'bandwidth'; readonly attributes: { readonly rate: number } }
  | { readonly type: 'slicer'; readonly attributes: Record<'average_size' | 'size_variation' | 'delay', number> }
  /** Nothing passes; after so long the connection is closed, 0 for never. */
  | { readonly type: 'timeout'; readonly attributes: { readonly timeout: number } }
  /** The connection is reset after so long. */
  | { readonly type: 'reset_peer'; readonly attributes: { readonly timeout: number } };

/** A way to a server that can be made to suffer. */
export interface ToxicWire {
  readonly port: number;
  /** From now on, and on connections that are open. `upstream` is towards the server. */
  suffer(toxic: Toxic, stream: 'upstream' | 'downstream'): Promise<void>;
  /** Nobody can connect, and who was is cut off. */
  cut(): Promise<void>;
  /** All is well again. */
  heal(): Promise<void>;
}

export interface Toxiproxy extends Service {
  wire(name: string, serverPort: number): Promise<ToxicWire>;
}

async function ask(url: string, method: 'GET' | 'POST' | 'DELETE', body?: object): Promise<unknown> {
  const answer = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Toxiproxy answered ${answer.status} to ${method} ${url}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** Starts Toxiproxy; wires through it listen on ports of their own. */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const service = await startService({
    name: 'toxiproxy',
    command: ({ port }) => [program, '-host', '127.0.0.1', '-port', String(port)],
    url: (port) => `http://127.0.0.1:${port}`,
  });
  return {
    ...service,
    async wire(name, serverPort) {
      const made = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${serverPort}`, enabled: true };
      const { listen } = (await ask(`${service.url}/proxies`, 'POST', made)) as { readonly listen: string };
      const proxy = `${service.url}/proxies/${name}`;
      return {
        port: Number(listen.slice(listen.lastIndexOf(':') + 1)),
        suffer: async ({ type, attributes }, stream) =>
          void (await ask(`${proxy}/toxics`, 'POST', { name: `${type}-${stream}`, type, stream, attributes })),
        cut: async () => void (await ask(proxy, 'POST', { ...made, listen, enabled: false })),
        async heal() {
          const { toxics } = (await ask(proxy, 'GET')) as { readonly toxics: readonly { readonly name: string }[] };
          for (const toxic of toxics) await ask(`${proxy}/toxics/${toxic.name}`, 'DELETE');
          await ask(proxy, 'POST', { ...made, listen, enabled: true });
        },
      };
    },
  };
}
