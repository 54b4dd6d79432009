/**
 * The real servers that tests need: each test file starts its own, on a free port of the loopback address, and ends it.
 * `node scripts/services.ts install` installs those that npm does not bring, where it may; it says what it cannot.
 */
import { spawnSync } from 'node:child_process';
import { hasKafka, installKafka, kafkaTools } from './services/kafka.ts';
import { debianServers } from './services/servers.ts';
import { hasProgram } from './services/service.ts';
import { installToxiproxy } from './services/toxiproxy.ts';

export { hasKafka, startKafka } from './services/kafka.ts';
export { type PostgresOptions, startPostgres, startStandby } from './services/postgres.ts';
export {
  hasServer,
  type PrometheusOptions,
  startNats,
  startPgbouncer,
  startPrometheus,
  startRedis,
} from './services/servers.ts';
export type { Service } from './services/service.ts';
export { hasToxiproxy, startToxiproxy, type Toxiproxy, type ToxicWire } from './services/toxiproxy.ts';

/** Installs the programs that are missing; `false` when that failed. Without root or apt it only says what to do. */
function installPrograms(): boolean {
  const wanted = [...Object.values(debianServers), ...(hasKafka() ? [] : kafkaTools)];
  const missing = wanted.filter(({ program }) => !hasProgram(program));
  if (missing.length === 0) return true;
  const packages = missing.map((server) => server.package);
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    console.log(
      `missing: ${packages.join(', ')}. Their tests are skipped; "apt-get install ${packages.join(' ')}" as root.`,
    );
    return true;
  }
  // A package's own service would only take memory: each test starts a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  console.log(`installing ${packages.join(', ')}`);
  return apt('update') && apt('install', '-y', '--no-install-recommends', ...packages);
}

function install(): boolean {
  if (!installPrograms()) return false;
  if (!hasKafka()) console.log('fetching Kafka from Maven Central');
  if (!installKafka()) console.log('Kafka could not be fetched; its tests are skipped');
  if (!installToxiproxy()) console.log('Toxiproxy could not be built; faults of the wire are left out');
  return true;
}

if (import.meta.main) {
  const [command = '', ...rest] = process.argv.slice(2);
  if (command !== 'install' || rest.length > 0) {
    console.error(`Expected "install", got ${JSON.stringify(process.argv.slice(2).join(' '))}`);
    process.exitCode = 2;
  } else if (!install()) {
    process.exitCode = 1;
  }
}
