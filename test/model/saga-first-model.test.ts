/**
 * Every interleaving of one saga-first step: all orders, early timers, loss, delay, doubles and deaths. With all rules no
 * world breaks a promise; without any one of them some world does, and docs/internals/saga-first.md shows the way there.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Exploration, explore } from './explore.ts';
import { movesOf } from './saga-first-model.ts';
import { breachAtRest, breachOf, keyOf, type Protocol, start, tidy, type World } from './saga-first-world.ts';
import { sequenceDiagram } from './sequence-diagram.ts';

const whole: Protocol = {
  registersFirst: true,
  firstDecisionWins: true,
  answersAfterConfirm: true,
  confirms: true,
  actsOnWonTrigger: true,
  tombstone: true,
  compensationIsIdempotent: true,
  operationIsIdempotent: true,
  marksAfterExecuting: true,
  storeKeeps: true,
  probes: false,
};

const page = readFileSync(new URL('../../docs/internals/saga-first.md', import.meta.url), 'utf8');
const actors = ['caller', 'store', 'service', 'compensator'];

function exploreWith(protocol: Protocol): Exploration<World> {
  return explore({ start, tidy, keyOf, movesOf: (world) => movesOf(world, protocol), breachOf, breachAtRest });
}

describe('with every rule, no world breaks a promise', () => {
  test.for([
    { probes: false, states: 13_583 },
    { probes: true, states: 14_009 },
  ])('$states worlds, probes: $probes', ({ probes, states }) => {
    const found = exploreWith({ ...whole, probes });
    expect(found.breach).toBeUndefined();
    expect(found.states).toBe(states);
    expect(page).toContain(states.toLocaleString('en'));
  });
});

describe('without a rule, some world breaks a promise, and the page shows the shortest way there', () => {
  test.for<[keyof Protocol, string]>([
    ['registersFirst', 'the operation took effect, and nobody knows how to undo it'],
    ['firstDecisionWins', 'the caller was told of success, and it is undone'],
    ['answersAfterConfirm', 'the caller was told of success, and it is undone'],
    ['confirms', 'the caller was told of success, and it is undone'],
    ['actsOnWonTrigger', 'the caller was told of success, and it is undone'],
    ['tombstone', 'it counts as undone, and the effect stands'],
    ['compensationIsIdempotent', 'the compensation took effect twice'],
    ['operationIsIdempotent', 'the operation took effect twice'],
    ['marksAfterExecuting', 'it counts as undone, and the effect stands'],
    ['storeKeeps', 'the operation took effect, and nobody knows how to undo it'],
  ])('%s: %s', ([rule, what]) => {
    const { breach } = exploreWith({ ...whole, [rule]: false });
    expect(breach?.what).toBe(what);
    const diagram = sequenceDiagram(actors, breach?.trace ?? []);
    expect(page, `docs/internals/saga-first.md should show:\n${diagram}`).toContain(`\`\`\`text\n${diagram}\n\`\`\``);
  });
});
