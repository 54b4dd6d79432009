import * as fc from 'fast-check';
import { IllegalRecordError } from '../../src/saga/legal-records.ts';
import type { SagaRecord } from '../../src/saga/record.ts';
import { applyRecord, type SagaState } from '../../src/saga/state.ts';

const steps = ['reserve', 'charge', 'ship', 'réserve', 'notify'];
const failure = { code: 'E', message: 'away' };

type Draft = object;

/** What might be recorded next of a step, whether or not it may. */
function drafts(state: SagaState, draw: number): Draft[] {
  const index = draw % steps.length;
  const step = steps[index] as string;
  const { action, compensation, probe } = state.steps[index] ?? {
    action: { attempts: 0 },
    compensation: { attempts: 0 },
    probe: { attempts: 0 },
  };
  const later = { failure, delayMs: draw % 7, retryAt: draw };
  return [
    { type: 'step-started', step, attempt: action.attempts + 1 },
    {
      type: 'step-confirmed',
      step,
      attempt: action.attempts,
      output: { draw, text: 'é'.repeat(draw % 5), none: null },
    },
    { type: 'attempt-failed', step, attempt: action.attempts, ...later },
    { type: 'step-failed', step, attempt: action.attempts, failure, ...(draw % 2 === 0 ? { settleAt: draw } : {}) },
    { type: 'step-unknown', step, attempt: action.attempts, failure },
    { type: 'step-settled', step },
    { type: 'step-skipped', step },
    { type: 'signal-received', step, payload: [draw, { deep: [null] }] },
    { type: 'compensation-started', step, attempt: compensation.attempts + 1 },
    { type: 'compensation-attempt-failed', step, attempt: compensation.attempts, ...later },
    { type: 'step-compensated', step, attempt: compensation.attempts },
    { type: 'probe-started', step, attempt: probe.attempts + 1 },
    { type: 'escalated', step, phase: 'action', failure },
    draw % 11 === 0 ? { type: 'saga-compensating', reason: 'failed', failure } : { type: 'step-settled', step },
  ];
}

/** The history of a saga that no law of the log forbids, and that has not finished: a walk over the records that may follow. */
function historyOf(draws: readonly number[], finish: boolean): SagaRecord[] {
  const input = { sku: 'A1', list: [1, 2.5, null], 'é "quoted"': '😀' };
  const started = { type: 'saga-started', name: 'order', version: '1', definition: 'd', steps, input } as const;
  const records: SagaRecord[] = [{ seq: 1, epoch: 1, timestamp: 1000, ...started }];
  let state = applyRecord('s', undefined, records[0] as SagaRecord);
  for (const draw of draws) {
    const options = drafts(state, draw);
    for (let turn = 0; turn < options.length; turn++) {
      const draft = options[(turn + draw) % options.length];
      const record = { seq: state.seq + 1, epoch: 1, timestamp: 1000 + state.seq, ...draft } as unknown as SagaRecord;
      try {
        state = applyRecord('s', state, record);
      } catch (error) {
        if (error instanceof IllegalRecordError) continue;
        throw error;
      }
      records.push(record);
      break;
    }
  }
  if (!finish) return records;
  const header = { seq: state.seq + 1, epoch: 1, timestamp: 9000 };
  const ways: SagaRecord[] = [
    { ...header, type: 'saga-completed', output: { done: true } },
    { ...header, type: 'saga-compensated' },
  ];
  for (const end of ways) {
    try {
      applyRecord('s', state, end);
      return [...records, end];
    } catch (error) {
      if (!(error instanceof IllegalRecordError)) throw error;
    }
  }
  return records;
}

/** A history, and how many of its records each append carries. */
export interface DrawnHistory {
  readonly records: readonly SagaRecord[];
  readonly appends: readonly (readonly SagaRecord[])[];
}

export function drawnHistory(longest: number): fc.Arbitrary<DrawnHistory> {
  return fc
    .tuple(
      fc.array(fc.nat(10_000), { maxLength: longest }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: longest, maxLength: longest }),
      fc.boolean(),
    )
    .map(([draws, sizes, finish]) => {
      const records = historyOf(draws, finish);
      const appends: SagaRecord[][] = [];
      for (let from = 0, place = 0; from < records.length; place++) {
        const append = records.slice(from, from + (sizes[place] ?? 1));
        appends.push(append);
        from += append.length;
      }
      return { records, appends };
    });
}
