import { ended, inProgress, latestOf, polled, postponed, renewed, retrying, started } from './call-state.ts';
import type { SagaRecord, SagaRecordOf } from './record.ts';
import { noFacts, type StepFacts, type StepState } from './step-state.ts';

/** The records that concern one step. */
export type StepRecord =
  | Extract<SagaRecord, { readonly step: string }>
  | SagaRecordOf<'escalated'>
  | SagaRecordOf<'human-decided'>;

// Shared: after a crash, most of what is known of a hundred thousand steps is just this.
const onlyMayBeApplied: StepFacts = Object.freeze({ mayBeApplied: true });

/** What a step is after one more record, which was found legal. */
export function applyToStep(step: StepState, record: StepRecord): StepState {
  const { action, compensation, probe, facts } = step;
  const at = record.timestamp;
  switch (record.type) {
    case 'step-started': {
      const call = started(action, record.attempt, at);
      if (record.pin === undefined) return { ...step, status: 'running', rank: record.seq, action: call };
      return { ...step, status: 'running', rank: record.seq, action: call, facts: { ...facts, pin: record.pin } };
    }
    case 'step-confirmed':
      return {
        ...step,
        status: 'confirmed',
        output: record.output,
        rank: record.seq,
        settleAt: record.settleAt,
        action: record.attempt === 0 ? action : ended(action, at, undefined),
      };
    case 'attempt-failed': {
      const settleAt = latestOf(step.settleAt, record.settleAt);
      const next = { ...step, settleAt, action: retrying(action, record) };
      return record.effect === 'none' || facts.mayBeApplied
        ? next
        : { ...next, facts: facts === noFacts ? onlyMayBeApplied : { ...facts, mayBeApplied: true } };
    }
    case 'attempt-in-progress':
      return { ...step, [record.phase]: inProgress(step[record.phase], record.retryAt) };
    case 'step-polled':
      return { ...step, [record.phase]: polled(step[record.phase], at) };
    case 'attempt-postponed':
      return { ...step, [record.phase]: postponed(step[record.phase], record) };
    case 'step-failed':
      return {
        ...step,
        status: 'failed',
        rank: record.seq,
        settleAt: record.settleAt,
        action: ended(action, at, record.failure),
      };
    case 'step-unknown': {
      const settleAt = latestOf(step.settleAt, record.settleAt);
      const { stuck: _, ...rest } = facts;
      return { ...step, status: 'unknown', settleAt, action: ended(action, at, record.failure), facts: rest };
    }
    case 'step-settled':
      return { ...step, settleAt: undefined };
    case 'compensation-started':
      return { ...step, status: 'compensating', compensation: started(compensation, record.attempt, at) };
    case 'compensation-attempt-failed':
      return { ...step, compensation: retrying(compensation, record) };
    case 'step-compensated':
      return { ...step, status: 'compensated', compensation: ended(compensation, at, undefined) };
    case 'probe-started':
      return { ...step, probe: started(probe, record.attempt, at) };
    case 'probe-failed':
      return { ...step, probe: retrying(probe, record) };
    case 'probe-answered': {
      const call = ended(probe, at, undefined);
      if (record.effect === 'none') return { ...step, status: 'failed', probe: call };
      return { ...step, status: 'confirmed', rank: record.seq, output: record.output ?? null, probe: call };
    }
    default:
      return applyRareRecord(step, record);
  }
}

type RareRecord = Extract<
  StepRecord,
  {
    readonly type: 'step-skipped' | 'step-waiting' | 'signal-received' | 'items-listed' | 'escalated' | 'human-decided';
  }
>;

function applyRareRecord(step: StepState, record: RareRecord): StepState {
  const { facts } = step;
  switch (record.type) {
    case 'step-skipped': {
      const { stuck: _, ...rest } = facts;
      return { ...step, status: 'skipped', facts: rest };
    }
    case 'step-waiting':
      return {
        ...step,
        status: 'running',
        rank: record.seq,
        facts: record.until === undefined ? facts : { ...facts, until: record.until },
      };
    case 'signal-received':
      return { ...step, facts: { ...facts, signal: [record.payload] } };
    case 'items-listed':
      return { ...step, status: 'running', rank: record.seq, facts: { ...facts, items: record.items.length } };
    case 'escalated': {
      const { phase, failure, timestamp } = record;
      const call = ended(step[phase], timestamp, failure);
      return {
        ...step,
        status: 'needs-human',
        [phase]: call,
        facts: { ...facts, stuck: { phase, failure, since: timestamp } },
      };
    }
    case 'human-decided':
      return decided(step, record);
  }
}

function withoutTime(facts: StepFacts): StepFacts {
  const { until: _, ...rest } = facts;
  return rest;
}

/** What a step is once a person has decided about it. */
function decided(step: StepState, record: SagaRecordOf<'human-decided'>): StepState {
  const { stuck, ...rest } = step.facts;
  const facts: StepFacts = { ...rest, generation: (rest.generation ?? 0) + 1 };
  const phase = stuck?.phase ?? 'action';
  switch (record.verb) {
    case 'retry':
    case 'retry-with': {
      const given = record.args === undefined ? facts : { ...facts, args: [record.args] as const };
      // A step that made no call begins anew, with a new time to wait for its signal.
      if (phase === 'action' && step.action.attempts === 0)
        return { ...step, status: 'pending', facts: withoutTime(given) };
      const status = { action: 'running', compensation: 'compensating', probe: 'unknown' } as const;
      return { ...step, status: status[phase], [phase]: renewed(step[phase]), facts: given };
    }
    case 'resolve':
      if (phase !== 'action') return { ...step, status: 'compensated', facts };
      return { ...step, status: 'confirmed', rank: record.seq, output: record.output ?? null, facts };
    case 'skip':
      return { ...step, status: 'skipped', facts };
    case 'forward':
      if (record.output === undefined) return { ...step, status: 'skipped', facts };
      return { ...step, status: 'confirmed', rank: record.seq, output: record.output, facts };
  }
}
