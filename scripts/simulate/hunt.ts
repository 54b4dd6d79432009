/** Looks for a bug that was planted in the sources beside this file; prints one line of JSON about what it found. */
import { parseArgs } from 'node:util';
import { runCrashScenario } from '../../src/testing/simulation/crash-points.ts';
import { crashScenarios } from '../../src/testing/simulation/crash-scenarios.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';
import type { ProfileName } from '../../src/testing/simulation/swarm.ts';

/** What a hunt says. */
export interface Hunted {
  readonly invariant: string | undefined;
  readonly message: string;
  /** The seed, or the scenario and place, that showed it. */
  readonly where: string;
  readonly tried: number;
  /** Processor time that it took. */
  readonly seconds?: number;
}

const seedsTried = 40;

async function inWorlds(profile: ProfileName): Promise<Hunted> {
  for (let seed = 1; seed <= seedsTried; seed++) {
    const { violation } = await simulate({ seed, hours: 0.1, profile });
    if (violation === undefined) continue;
    return { invariant: violation.invariant, message: violation.message, where: `seed ${seed}`, tried: seed };
  }
  return { invariant: undefined, message: '', where: '', tried: seedsTried };
}

async function atCrashPoints(): Promise<Hunted> {
  let tried = 0;
  for (const scenario of crashScenarios) {
    const { boundaries, violation: early } = await runCrashScenario(scenario);
    tried++;
    if (early !== undefined) return { invariant: early.invariant, message: early.message, where: scenario.name, tried };
    for (let boundary = 1; boundary <= boundaries; boundary += 5) {
      const { violation } = await runCrashScenario(scenario, { boundary, power: true });
      tried++;
      if (violation === undefined) continue;
      const { invariant, message } = violation;
      return { invariant, message, where: `${scenario.name}, power cut at ${boundary}`, tried };
    }
  }
  return { invariant: undefined, message: '', where: '', tried };
}

const { values } = parseArgs({ options: { profile: { type: 'string', default: 'all' } } });
const found = values.profile === 'crash-points' ? await atCrashPoints() : await inWorlds(values.profile as ProfileName);
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...found, seconds: (user + system) / 1e6 }));
process.exit(0);
