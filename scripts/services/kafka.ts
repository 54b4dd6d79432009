import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasProgram, type Place, type Service, startService } from './service.ts';

const version = '4.3.1';

/** The server's libraries, once for all checkouts of this machine. */
const libraries = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'makegood', `kafka-${version}`);

// Any 16 bytes, as base64 for URLs: each node is a cluster of its own.
const clusterId = 'bWFrZWdvb2QtdGVzdHMhIQ';

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>makegood</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>`;

/** Debian's packages and the programs they bring, for a server that comes from Maven Central. */
export const kafkaTools = [
  { package: 'openjdk-17-jre-headless', program: 'java' },
  { package: 'maven', program: 'mvn' },
] as const;

/** Whether Kafka is on this machine; tests of it are skipped where it is not, which CI refuses. */
export function hasKafka(): boolean {
  return hasProgram('java') && existsSync(join(libraries, `kafka_2.13-${version}.jar`));
}

/** Fetches Kafka and what it needs from Maven Central; `false` when that failed. */
export function installKafka(): boolean {
  if (hasKafka()) return true;
  if (!kafkaTools.every(({ program }) => hasProgram(program))) return false;
  mkdirSync(dirname(libraries), { recursive: true });
  const folder = mkdtempSync(`${libraries}-`);
  writeFileSync(join(folder, 'pom.xml'), pom);
  const goal = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib'];
  const { status } = spawnSync('mvn', goal, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  // Moved when it is whole, so that nobody finds half of it.
  if (status === 0 && !existsSync(libraries)) renameSync(join(folder, 'lib'), libraries);
  rmSync(folder, { recursive: true, force: true });
  return hasKafka();
}

/** A small JVM that is up soon rather than fast later. */
function java(heapMb: number, main: string, ...args: readonly string[]): string[] {
  const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', `-Xmx${heapMb}m`];
  return ['java', ...flags, '-cp', join(libraries, '*'), main, ...args];
}

function properties({ folder, port, secondPort }: Place): string {
  const controller = `127.0.0.1:${secondPort}`;
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://${controller}`,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'log.cleaner.dedupe.buffer.size': 2 * 1024 * 1024,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

/** Starts one Kafka 4 node, broker and controller at once (KRaft); its url is `host:port`. */
export async function startKafka(): Promise<Service> {
  const config = 'server.properties';
  return await startService({
    name: 'kafka',
    startLimitMs: 90_000,
    prepare(place) {
      if (!hasKafka()) throw new Error(`Expected Kafka in ${libraries}; run node scripts/services.ts install`);
      writeFileSync(join(place.folder, config), properties(place));
      const [program = '', ...args] = java(128, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config);
      const { status, stderr } = spawnSync(program, args, { cwd: place.folder, encoding: 'utf8' });
      if (status !== 0) throw new Error(`Kafka's storage could not be formatted: ${stderr}`);
    },
    command: ({ folder }) => java(512, 'kafka.Kafka', join(folder, config)),
    url: (port) => `127.0.0.1:${port}`,
  });
}
