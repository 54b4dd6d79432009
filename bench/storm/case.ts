/** One storm in a process of its own, since peers need its timers: `node storm/case.ts SYSTEM HEARING PROCESSES`. */
import { ourSystems } from './our-systems.ts';
import { loadPeer } from './peer-systems.ts';
import { bigStorm } from './plan.ts';
import type { Hearing } from './server.ts';
import { simulate } from './simulate.ts';

const [name = '', hearing = 'notices', processes = '1'] = process.argv.slice(2);
const system = ourSystems[name] ?? (await loadPeer(name));
if (system === undefined) throw new RangeError(`no system "${name}"`);
const trace = await simulate(system, { ...bigStorm, hearing: hearing as Hearing, processes: Number(processes) });
process.stdout.write(JSON.stringify(trace));
