/**
 * Sagas of three steps over HTTP: `node server.ts [seconds]`. Server, participant and client are processes of their own on
 * one machine; each saga is a start, three calls to the participant and a wait for the outcome, five requests in all.
 */
import { fileURLToPath } from 'node:url';
import { load } from '../scripts/server-load/load.ts';
import { ServerUnderLoad } from '../scripts/server-load/server-under-load.ts';
import { machine, median, range, saveResults, table } from './report.ts';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const seconds = Number(process.argv[2] ?? 10);
const rounds = 3;

const rows = [];
for (const inFlight of [1, 64, 1000]) {
  await using server = new ServerUnderLoad(main);
  await server.ready();
  await load(server, { inFlight: Math.min(inFlight, 64), forMs: 2000, name: 'warm' });
  const stretches = [];
  const { cpuMs } = server.held;
  for (let round = 0; round < rounds; round++) {
    stretches.push(await load(server, { inFlight, forMs: (seconds * 1000) / rounds, name: `round-${round}` }));
  }
  rows.push({
    'in flight': String(inFlight),
    'sagas/s': range(stretches.map(({ perSecond }) => perSecond)),
    'p50 ms': median(stretches.map(({ p50Ms }) => p50Ms)).toFixed(1),
    'p99 ms': median(stretches.map(({ p99Ms }) => p99Ms)).toFixed(1),
    'server CPU ms a saga': (
      (server.held.cpuMs - cpuMs) /
      stretches.reduce((sum, { sagas }) => sum + sagas, 0)
    ).toFixed(2),
    'RSS MiB': server.held.rssMiB.toFixed(0),
  });
}
console.log(`${machine()}\n\n${table(rows)}`);
saveResults('server', { machine: machine(), seconds, rounds, rows });
