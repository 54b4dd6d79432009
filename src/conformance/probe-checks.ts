import { type Answer, expectDone, expectRefused, fieldOf, jsonOf, shown } from './answer.ts';
import { checksOf, type ConformanceCheck } from './check.ts';
import { Mismatch } from './mismatch.ts';
import { apply } from './once-checks.ts';
import type { Subject } from './subject.ts';

const nothing = { applied: 0, undone: 0 };

function expectEffect(answer: Answer, effect: 'applied' | 'none', what: string): void {
  if (answer.status === 200 && fieldOf(answer, 'effect') === effect) return;
  throw new Mismatch(`Expected ${what} to be answered 200 {"effect":"${effect}"}, got ${shown(answer)}`);
}

async function probeApplied(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const action = await apply(subject, saga);
  const probe = await subject.settle({ saga, phase: 'status' });
  expectEffect(probe, 'applied', 'the probe of an action that took effect');
  const [seen, wanted] = [JSON.stringify(fieldOf(probe, 'output')), JSON.stringify(jsonOf(action))];
  if (seen !== wanted) throw new Mismatch(`Expected the probe to carry the output ${wanted}, got ${shown(probe)}`);
  await subject.expectEffects(saga, { applied: 1, undone: 0 });
}

async function probeNone(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  for (const attempt of [1, 2]) {
    const probe = await subject.settle({ saga, phase: 'status', attempt });
    expectEffect(probe, 'none', `probe ${attempt} of an action that never came`);
  }
  expectRefused(await subject.settle({ saga, phase: 'action' }), 'an action that comes after the probe said "none"');
  expectEffect(await subject.settle({ saga, phase: 'status' }), 'none', 'the probe after that');
  const undo = await subject.settle({ saga, phase: 'compensation' });
  expectDone(undo, 'the compensation after the probe said "none"', 'compensation');
  await subject.expectEffects(saga, nothing);
}

async function probeMeetsAction(subject: Subject): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const saga = subject.newSaga();
    const [action, probe] = await Promise.all([
      subject.settle({ saga, phase: 'action' }),
      subject.settle({ saga, phase: 'status' }),
    ]);
    const applied = fieldOf(probe, 'effect') === 'applied';
    expectEffect(probe, applied ? 'applied' : 'none', 'a probe in a race with its action');
    if (applied) expectDone(action, 'the action that the probe called applied');
    else expectRefused(action, 'the action that the probe called not applied');
    await subject.expectEffects(saga, applied ? { applied: 1, undone: 0 } : nothing);
  }
}

async function probeRefused(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  const input = subject.settings.refusedInput;
  expectRefused(await subject.settle({ saga, phase: 'action', input }), 'an action that the business refuses');
  expectEffect(await subject.settle({ saga, phase: 'status', input }), 'none', 'the probe of a refused action');
}

async function staleProbe(subject: Subject): Promise<void> {
  const saga = subject.newSaga();
  expectEffect(await subject.settle({ saga, phase: 'status', epoch: 3 }), 'none', 'a probe of epoch 3');
  expectRefused(await subject.settle({ saga, phase: 'status', epoch: 2 }), 'a probe of epoch 2 after epoch 3');
}

/** A coordinator may ask what became of an action, and what it is told must stay true. */
export const probeChecks: readonly ConformanceCheck[] = checksOf('probe', {
  'probe-applied': {
    proves:
      'The status probe of an action that took effect is answered {"effect":"applied","output":…}, with its output.',
    advice: 'The output is the body of the action’s stored reply; left out when there was none.',
    needs: ['probe'],
    run: probeApplied,
  },
  'probe-none': {
    proves:
      'A probe that finds nothing says {"effect":"none"} and leaves a tombstone: the action that comes later is refused.',
    advice: 'Write the tombstone in the transaction in which you looked; what was told must stay true.',
    needs: ['probe'],
    run: probeNone,
  },
  'probe-meets-action': {
    proves: 'Probe and action at the same time: what the probe said is what became of the action.',
    advice: 'The probe must lock the step’s row like every other call.',
    needs: ['probe'],
    run: probeMeetsAction,
  },
  'probe-refused': {
    proves: 'The probe of an action that was refused says {"effect":"none"}.',
    advice: 'A stored reply alone does not mean that there is an effect.',
    needs: ['probe', 'refused-input'],
    run: probeRefused,
  },
  'stale-probe': {
    proves: 'A probe with a lower epoch than its step has seen is refused.',
    advice: 'Refuse by epoch before looking at the phase.',
    needs: ['probe'],
    run: staleProbe,
  },
});
