import type { Facts } from '../../../src/advisor/index.ts';

/** Facts for every way in which the questions of the table can be answered: 864 of them. */
export function everyFact(): Facts[] {
  const facts: Facts[] = [];
  const [slow, inTime] = ['70ms', '1ms'] as const;
  for (const sla of ['p99<40ms', 'p99.9 <= 60ms over 5m'])
    for (const partition of ['cp', 'ap', 'cp-ap-fallback'] as const)
      for (const semantics of ['idempotent', 'causal', 'total-order'] as const)
        for (const irreversible of ['none', 'behind-pivot', 'without-pivot'] as const)
          for (const valueAtRisk of ['low', 'high'] as const)
            for (const conflictRate of [0.05, 0.1])
              for (const quorumP99 of [slow, inTime])
                for (const participantP99 of [65, inTime] as const)
                  facts.push({
                    sla,
                    partition,
                    semantics,
                    irreversible,
                    valueAtRisk,
                    conflictRate,
                    quorumP99,
                    participantP99,
                  });
  return facts;
}
