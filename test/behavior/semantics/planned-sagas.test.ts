import { describe, expect, test } from 'vitest';
import type { Saga, SagaDefinition } from '../../../src/saga/definition.ts';
import type { JsonValue } from '../../../src/saga/json-value.ts';
import { saga } from '../../../src/saga/saga.ts';
import type { PlanReader } from '../../../src/tempo/registry.ts';
import { testTempo } from '../../../src/testing/test-tempo.ts';

const stage = (run: () => void): { run: () => void; compensate: () => null } => ({ run, compensate: () => null });

/** A definition made of a plan: a list of step names, each noted when it runs. */
function reader(ran: string[]): PlanReader {
  return ({ name, version, plan }): SagaDefinition => {
    if (!Array.isArray(plan)) throw new TypeError('no plan of ours');
    const [first, second] = plan as readonly string[];
    const made = saga(name, { version })
      .input<JsonValue>()
      .step(
        'there',
        stage(() => void ran.push(String(first))),
      )
      .sleep('night', '8h')
      .step(
        'back',
        stage(() => void ran.push(String(second))),
      )
      .output();
    return { ...made, plan };
  };
}

const start = (read: PlanReader, plan: JsonValue): Saga<null> => read({ name: 'trip', version: '1', plan });

describe('a saga that brings its own definition', () => {
  test('is kept with its start, and goes on after a crash without being registered', async () => {
    const ran: string[] = [];
    const readPlan = reader(ran);
    await using tempo = await testTempo({ sagas: [], readPlan });
    const run = await tempo.start(start(readPlan, ['car', 'hotel']), { id: 't', input: null });
    await tempo.advance('1h');
    await tempo.restart();
    expect(await tempo.until(run.outcome())).toMatchObject({ status: 'completed' });
    expect(ran).toEqual(['car', 'hotel']);
    expect((await tempo.history('t'))[0]).toMatchObject({ type: 'saga-started', plan: ['car', 'hotel'] });
  });

  test('is the same request only with the same plan', async () => {
    const readPlan = reader([]);
    await using tempo = await testTempo({ sagas: [], readPlan });
    await tempo.start(start(readPlan, ['car', 'hotel']), { id: 't', input: null });
    const again = await tempo.start(start(readPlan, ['car', 'hotel']), { id: 't', input: null });
    expect(again.created).toBe(false);
    await expect(tempo.start(start(readPlan, ['car', 'boat']), { id: 't', input: null })).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_CONFLICT',
    });
  });

  test('waits, blocked, where its plan cannot be read', async () => {
    const readPlan = reader([]);
    await using tempo = await testTempo({ sagas: [], readPlan });
    const unreadable = { ...start(readPlan, ['car', 'hotel']), plan: { format: 2 } };
    await tempo.start(unreadable, { id: 't', input: null });
    await tempo.restart();
    expect(await tempo.get('t')).toMatchObject({ status: 'blocked' });
    await tempo.terminate('t', { reason: 'unreadable' });
    expect(await tempo.get('t')).toMatchObject({ status: 'terminated' });
  });

  test('is refused where nobody reads plans: it could not be recovered', async () => {
    await using tempo = await testTempo({ sagas: [] });
    await expect(tempo.start(start(reader([]), ['car', 'hotel']), { input: null })).rejects.toThrow(TypeError);
  });

  test('a list by step shows who is at it, and no one who has passed or not reached it', async () => {
    const readPlan = reader([]);
    await using tempo = await testTempo({ sagas: [], readPlan });
    await tempo.start(start(readPlan, ['car', 'hotel']), { id: 't', input: null });
    await tempo.advance('1h');
    const idsAt = async (step: string): Promise<string[]> => (await tempo.list({ step })).items.map(({ id }) => id);
    expect([await idsAt('there'), await idsAt('night'), await idsAt('back')]).toEqual([[], ['t'], []]);
    expect((await tempo.list({ step: 'night', status: 'compensating' })).items).toEqual([]);
  });
});
