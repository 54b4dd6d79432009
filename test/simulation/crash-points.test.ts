import { describe, expect, test } from 'vitest';
import { runCrashScenario } from '../../src/testing/simulation/crash-points.ts';
import { crashScenarios } from '../../src/testing/simulation/crash-scenarios.ts';

// Every one of them takes minutes: `npm run simulate -- --crash-points`. Another prime would try others.
const every = 97;

describe('a machine that stops at any change of its disk', () => {
  test.each(crashScenarios)(
    '$name',
    async (scenario) => {
      const whole = await runCrashScenario(scenario);
      expect(whole.violation).toBeUndefined();
      expect(whole.boundaries).toBeGreaterThan(100);
      for (let boundary = 7; boundary <= whole.boundaries; boundary += every) {
        for (const power of [false, true]) {
          const { violation } = await runCrashScenario(scenario, { boundary, power });
          expect(violation, `${power ? 'power cut' : 'kill'} at ${boundary}`).toBeUndefined();
        }
      }
    },
    120_000,
  );
});
