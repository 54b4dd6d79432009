import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Pool } from 'pg';
import { migratePostgres, postgresBarrierSchema } from '../../src/adapters/postgres/index.ts';
import { type CuttingProxy, cuttingProxy } from '../services/cutting-proxy.ts';
import { hasToxiproxy, type Service, startPostgres, startToxiproxy, type ToxicWire } from '../services.ts';
import type { FromNode, OrderKind, ToNode } from './messages.ts';

export const schema = 'makegood';

/** Everything between a node and the server. */
export interface NodeWire {
  readonly proxy: CuttingProxy;
  /** Behind it, where Toxiproxy is on this machine. */
  readonly toxic: ToxicWire | undefined;
}

/** One node, and the wire between it and the server. */
export class ClusterNode {
  readonly name: string;
  readonly wire: NodeWire;
  private readonly args: readonly string[];
  private readonly onMessage: (message: FromNode) => void;
  private child: ChildProcess | undefined;
  isReady = false;

  constructor(name: string, wire: NodeWire, args: readonly string[], onMessage: (message: FromNode) => void) {
    this.name = name;
    this.wire = wire;
    this.args = args;
    this.onMessage = onMessage;
  }

  start(): void {
    const main = join(import.meta.dirname, 'node-main.ts');
    const child = fork(main, [...this.args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.child = child;
    this.isReady = false;
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2000)));
    child.on('message', (message: FromNode) => {
      if (message.type === 'ready') this.isReady = true;
      this.onMessage(message);
    });
    child.on('error', () => undefined);
    child.on('exit', () => {
      if (this.child !== child) return;
      this.child = undefined;
      this.isReady = false;
      // It could not open while its server was away: it is started again, as an operator's supervisor would.
      if (said !== '') this.lastWords = said;
      if (this.wanted) setTimeout(() => this.wanted && this.child === undefined && this.start(), 500);
    });
    this.wanted = true;
  }

  lastWords = '';
  private wanted = false;

  /** Ends the process as a crash would; it stays away until it is started. */
  async kill(): Promise<void> {
    const { child } = this;
    this.wanted = false;
    this.isReady = false;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  send(message: ToNode): void {
    if (this.child?.connected === true) this.child.send(message, () => undefined);
  }
}

/** A server, nodes on it, and a connection to look at everything from outside. */
export interface Cluster extends AsyncDisposable {
  readonly postgres: Service;
  readonly nodes: readonly ClusterNode[];
  /** On the server's own port, past the proxies. */
  readonly observer: Pool;
  readonly accepted: Set<string>;
  readonly staleCalls: () => number;
  start(node: ClusterNode, id: string, kind: OrderKind): void;
}

export async function openCluster(options: { readonly nodes: number; readonly leaseMs: number }): Promise<Cluster> {
  const postgres = await startPostgres({ settings: { fsync: 'on', max_connections: 100 } });
  const observer = new Pool({ connectionString: postgres.url, max: 4, connectionTimeoutMillis: 1000 });
  observer.on('error', () => undefined);
  await migratePostgres({ pool: observer, schema, shards: 16 });
  await observer.query(`${postgresBarrierSchema()};
    CREATE TABLE effect (saga text NOT NULL, step text NOT NULL, phase text NOT NULL, epoch bigint NOT NULL, node text NOT NULL,
      place bigint GENERATED ALWAYS AS IDENTITY)`);
  const toxiproxy = hasToxiproxy() ? await startToxiproxy() : undefined;
  const accepted = new Set<string>();
  let staleCalls = 0;
  const onMessage = (message: FromNode): void => {
    if (message.type === 'accepted') accepted.add(message.id);
    if (message.type === 'stale-call') staleCalls++;
  };
  const nodes = await Promise.all(
    Array.from({ length: options.nodes }, async (_, place) => {
      const toxic = await toxiproxy?.wire(`node-${place}`, postgres.port);
      const proxy = await cuttingProxy(toxic?.port ?? postgres.port);
      const url = postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`);
      const name = `node-${place}`;
      return new ClusterNode(
        name,
        { proxy, toxic },
        [url, postgres.url, schema, name, String(options.leaseMs)],
        onMessage,
      );
    }),
  );
  for (const node of nodes) node.start();
  return {
    postgres,
    nodes,
    observer,
    accepted,
    staleCalls: () => staleCalls,
    start: (node, id, kind) => node.send({ type: 'start', id, kind }),
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map(({ wire }) => wire.proxy[Symbol.asyncDispose]()));
      await toxiproxy?.[Symbol.asyncDispose]();
      await observer.end();
      await postgres[Symbol.asyncDispose]();
    },
  };
}
