import { runCrashScenario } from '../../src/testing/simulation/crash-points.ts';
import { crashScenarios } from '../../src/testing/simulation/crash-scenarios.ts';

/** Stops the machine at every change of its disk in every scenario; resolves with the exit status. */
export async function stopEverywhere(every: number, words: string): Promise<number> {
  const totals = { points: 0, violations: 0 };
  for (const scenario of crashScenarios.filter(({ name }) => name.includes(words))) {
    const { boundaries } = await runCrashScenario(scenario);
    let violations = 0;
    let points = 0;
    for (let boundary = 1; boundary <= boundaries; boundary += every) {
      for (const power of [false, true]) {
        const { violation } = await runCrashScenario(scenario, { boundary, power });
        points++;
        if (violation === undefined) continue;
        violations++;
        console.log(`  ${power ? 'power cut' : 'kill'} at ${boundary}: ${violation.invariant}: ${violation.message}`);
      }
    }
    console.log(`${violations === 0 ? 'ok ' : 'RED'} ${String(points).padStart(6)} points  ${scenario.name}`);
    totals.points += points;
    totals.violations += violations;
  }
  console.log(`${totals.points.toLocaleString('en')} crash points, ${totals.violations} violations`);
  return totals.violations === 0 ? 0 : 1;
}
