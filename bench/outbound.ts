/**
 * A call to a participant: `node bench/outbound.ts`. The participant is a process of its own and answers at once, so that what
 * is measured is the caller: makegood's, with its policy, guards and bounds, beside bare `node:http` and `fetch`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { nodeCaller } from '../src/adapters/node/index.ts';
import type { RemoteCall } from '../src/outbound/index.ts';
import { type Figures, machine, median, range, saveResults, table } from './report.ts';

const roundMs = 1000;
const rounds = 5;
const participant = `
  const reply = (request, response) => request.resume().on('end', () => response.setHeader('Content-Type', 'application/json').end('{"id":7}'));
  const server = require('node:http').createServer(reply).listen(0, '127.0.0.1', () => console.log(server.address().port));`;
const body = JSON.stringify({ sku: 'tea', quantity: 3, note: 'x'.repeat(150) });
const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'order-1/reserve/action' };

type Call = (url: string) => Promise<unknown>;

const caller = nodeCaller({ allow: ['loopback'] });
const facts: Omit<RemoteCall, 'url' | 'signal'> = {
  method: 'POST',
  headers,
  body,
  sagaId: 'order-1',
  step: 'reserve',
  phase: 'action',
  attempt: 1,
  isPoll: false,
  epoch: 1,
  idempotencyKey: 'order-1/reserve/action',
  remainingMs: 3000,
};
const agent = new http.Agent({ keepAlive: true });

function bare(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'Content-Length': body.length },
    });
    request.on('error', reject);
    request.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (text += part));
      answer.on('end', () => resolve(JSON.parse(text)));
    });
    request.end(body);
  });
}

const cases: Readonly<Record<string, Call>> = {
  'node:http, nothing else': bare,
  fetch: async (url) => (await fetch(url, { method: 'POST', headers, body })).json(),
  makegood: async (url) => {
    const answer = await caller.call({ ...facts, url, signal: new AbortController().signal });
    if (answer.kind !== 'answered') throw new Error(answer.kind);
    return JSON.parse(answer.body);
  },
};

interface Round {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

async function round(call: Call, url: string, inFlight: number): Promise<Round> {
  let calls = 0;
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()];
  const worker = async (): Promise<void> => {
    for (; performance.now() - startedMs < roundMs; calls++) await call(url);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (calls * 1000) / (performance.now() - startedMs), cpuMicros: (user + system) / calls };
}

const child = spawn(process.execPath, ['-e', participant], { stdio: ['ignore', 'pipe', 'inherit'] });
const [port] = (await once(child.stdout, 'data')) as [Buffer];
const url = `http://127.0.0.1:${port.toString().trim()}/reserve`;
const rows: Figures[] = [];
for (const inFlight of [1, 64]) {
  const found = new Map<string, Round[]>(Object.keys(cases).map((name) => [name, []]));
  for (const call of Object.values(cases)) await round(call, url, inFlight);
  // In turn, so that whatever else the machine does falls on all of them.
  for (let turn = 0; turn < rounds; turn++) {
    for (const [name, call] of Object.entries(cases)) found.get(name)?.push(await round(call, url, inFlight));
  }
  const bareRounds = found.get('node:http, nothing else') ?? [];
  for (const [name, measured] of found) {
    const ratios = measured.map(({ cpuMicros }, turn) => cpuMicros / (bareRounds[turn]?.cpuMicros ?? Number.NaN));
    rows.push({
      'in flight': String(inFlight),
      client: name,
      'calls/s': range(measured.map(({ perSecond }) => perSecond)),
      'CPU µs a call': range(measured.map(({ cpuMicros }) => cpuMicros)),
      'of bare': median(ratios).toFixed(2),
    });
  }
}
child.kill();
await caller.close();
agent.destroy();
saveResults('outbound', { machine: machine(), rows });
console.log(`${machine()}\n\n${table(rows)}`);
