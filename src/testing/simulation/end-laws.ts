/** What must hold of the effects outside once a saga has ended, and ever after. */
import { isCompensatable } from '../../saga/definition.ts';
import type { SagaState } from '../../saga/state.ts';
import { stepOf } from '../../saga/step-of.ts';
import type { OutsideWorld } from './outside-world.ts';
import type { SagaTrack } from './saga-track.ts';
import { Violation } from './violation.ts';

/** Compares what stands at the participants with what the saga's end says. */
export function checkEnd(track: SagaTrack, state: SagaState, world: OutsideWorld): void {
  if (state.status === 'completed') checkCompleted(track, state, world);
  if (state.status === 'compensated') checkCompensated(track, state, world);
  for (const { step, applied, undone } of world.operationsOf(track.id)) {
    if (applied <= 1 && undone <= applied) continue;
    const counts = `applied ${applied} times and undone ${undone} times`;
    throw new Violation('I1 completed means done once', `"${step}" was ${counts}`, track.id);
  }
}

function checkCompleted(track: SagaTrack, state: SagaState, world: OutsideWorld): void {
  for (const { name, status } of state.steps) {
    const call = track.callOf(name);
    // A list is not called itself, only its items are.
    const isList = track.calls.has(name) && state.steps.some((step) => step.name.startsWith(`${name}.`));
    if (call === undefined || call.readOnly || isList || track.byHand.has(name)) continue;
    if (state.definition !== track.definition.hash) continue;
    const { applied, undone } = world.of(track.id, name);
    const expected = status === 'confirmed' && !isEmptyList(track, name) ? 1 : 0;
    if (applied === expected && undone === 0) continue;
    const counts = `applied ${applied} times and undone ${undone} times`;
    throw new Violation('I1 completed means done once', `"${name}" is ${status}, and was ${counts}`, track.id);
  }
}

/** Whether a name is that of a list without items, which is confirmed and was never called. */
function isEmptyList(track: SagaTrack, name: string): boolean {
  return track.definition.steps.some((step) => step.kind === 'each' && step.name === name);
}

function checkCompensated(track: SagaTrack, state: SagaState, world: OutsideWorld): void {
  for (const [index, { name, status }] of state.steps.entries()) {
    const call = track.callOf(name);
    if (call === undefined || track.byHand.has(name)) continue;
    const { applied, undone } = world.of(track.id, name);
    if (applied === undone) continue;
    const undoable = isCompensatable(stepOf(track.definition, state, index)) ? '' : ', which cannot be undone,';
    const counts = `applied ${applied} times and undone ${undone} times`;
    throw new Violation(
      'I2 compensated means undone',
      `"${name}"${undoable} is ${status}, and was ${counts}`,
      track.id,
    );
  }
}
