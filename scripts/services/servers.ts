import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram, type Service, startService } from './service.ts';

/** Starts a Redis server that keeps nothing on disk; its url is `redis://…`. */
export async function startRedis(): Promise<Service> {
  return await startService({
    name: 'redis',
    command: ({ port, folder }) =>
      `redis-server --port ${port} --bind 127.0.0.1 --dir ${folder} --save  --appendonly yes`.split(' '),
    url: (port) => `redis://127.0.0.1:${port}`,
  });
}

/** Starts a NATS server with JetStream; its url is `nats://…`. */
export async function startNats(): Promise<Service> {
  return await startService({
    name: 'nats',
    command: ({ port, folder }) => `nats-server -a 127.0.0.1 -p ${port} -js -sd ${folder}`.split(' '),
    url: (port) => `nats://127.0.0.1:${port}`,
  });
}

export interface PrometheusOptions {
  /** The text of `prometheus.yml`. */
  readonly config: string;
  /** Rule files that the configuration names, by file name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts a Prometheus server; its url is `http://…`. */
export async function startPrometheus({ config, files = {} }: PrometheusOptions): Promise<Service> {
  return await startService({
    name: 'prometheus',
    prepare({ folder }) {
      for (const [name, text] of Object.entries({ 'prometheus.yml': config, ...files })) {
        writeFileSync(join(folder, name), text);
      }
    },
    command: ({ port, folder }) => [
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    url: (port) => `http://127.0.0.1:${port}`,
    async isReady(port) {
      const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    },
  });
}

/** Starts pgbouncer in transaction mode before a PostgreSQL server; its url is a connection string. */
export async function startPgbouncer(postgres: Service): Promise<Service> {
  const settings = (port: number): string => `[databases]
* = host=127.0.0.1 port=${postgres.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
`;
  return await startService({
    name: 'pgbouncer',
    // It refuses to run as root, as PostgreSQL does; 65534 is "nobody" on every Linux.
    uid: process.getuid?.() === 0 ? 65_534 : undefined,
    prepare({ folder, port }) {
      writeFileSync(join(folder, 'pgbouncer.ini'), settings(port));
      chmodSync(folder, 0o755);
    },
    command: ({ folder }) => ['pgbouncer', join(folder, 'pgbouncer.ini')],
    url: (port) => `postgresql://postgres@127.0.0.1:${port}/postgres`,
  });
}

/** Debian's package and the program it brings, of each server that npm does not bring. */
export const debianServers = {
  redis: { package: 'redis-server', program: 'redis-server' },
  nats: { package: 'nats-server', program: 'nats-server' },
  prometheus: { package: 'prometheus', program: 'promtool' },
  pgbouncer: { package: 'pgbouncer', program: 'pgbouncer' },
} as const;

/** Whether a server's program is on this machine; tests of one that is not are skipped, which CI refuses. */
export function hasServer(name: keyof typeof debianServers): boolean {
  return hasProgram(debianServers[name].program);
}
