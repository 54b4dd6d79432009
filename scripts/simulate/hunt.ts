/** Looks for a bug that was planted in the sources beside this file; prints one line of JSON about what it found. */
import { parseArgs } from 'node:util';
import { runCrashScenario } from '../../src/testing/simulation/crash-points.ts';
import { crashScenarios } from '../../src/testing/simulation/crash-scenarios.ts';
import { simulateCluster } from '../../src/testing/simulation/simulate-cluster.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';
import type { ProfileName } from '../../src/testing/simulation/swarm.ts';
import type { Violation } from '../../src/testing/simulation/violation.ts';
import { openModelledJournal } from './cluster-journal.ts';

/** One run of many: a world by its seed, or a scenario and where its power is cut, 0 for nowhere. */
export interface Place {
  readonly seed?: number;
  readonly scenario?: string;
  readonly boundary?: number;
}

/** What a hunt says. */
export interface Hunted {
  readonly invariant: string | undefined;
  readonly message: string;
  /** The run that showed it. */
  readonly place: Place;
  readonly tried: number;
  /** Processor time that it took. */
  readonly seconds?: number;
}

const seedsTried = 60;
const hours = 0.1;
const clusterHours = 0.03;

async function tryOne(profile: string, { seed = 1, scenario, boundary = 0 }: Place) {
  if (profile === 'cluster') {
    const { violation } = await simulateCluster({ seed, hours: clusterHours, openJournal: openModelledJournal });
    return violation;
  }
  if (scenario === undefined) return (await simulate({ seed, hours, profile: profile as ProfileName })).violation;
  const found = crashScenarios.find(({ name }) => name === scenario);
  if (found === undefined) throw new Error(`Expected a scenario, got "${scenario}"`);
  return (await runCrashScenario(found, boundary === 0 ? undefined : { boundary, power: true })).violation;
}

function* worlds(): Generator<Place> {
  for (let seed = 1; seed <= seedsTried; seed++) yield { seed };
}

async function* crashPoints(): AsyncGenerator<Place> {
  for (const scenario of crashScenarios) {
    const { name } = scenario;
    yield { scenario: name };
    const { boundaries } = await runCrashScenario(scenario);
    for (let boundary = 1; boundary <= boundaries; boundary += 5) yield { scenario: name, boundary };
  }
}

async function hunt(profile: string): Promise<Hunted> {
  let tried = 0;
  for await (const place of profile === 'crash-points' ? crashPoints() : worlds()) {
    tried++;
    const violation: Pick<Violation, 'invariant' | 'message'> | undefined = await tryOne(profile, place);
    if (violation !== undefined) return { invariant: violation.invariant, message: violation.message, place, tried };
  }
  return { invariant: undefined, message: '', place: {}, tried };
}

const { values } = parseArgs({ options: { profile: { type: 'string', default: 'all' }, place: { type: 'string' } } });
const { profile, place } = values;
if (place === undefined) {
  const found = await hunt(profile);
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ ...found, seconds: (user + system) / 1e6 }));
} else {
  const given = JSON.parse(place) as Place;
  const { invariant, message = '' } = (await tryOne(profile, given)) ?? {};
  console.log(JSON.stringify({ invariant, message, place: given, tried: 1 } satisfies Hunted));
}
process.exit(0);
