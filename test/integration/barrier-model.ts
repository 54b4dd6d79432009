import { constantFrom, integer, record } from 'fast-check';
import { expect } from 'vitest';
import { TerminalError } from '../../src/saga/index.ts';
import { barrier, type Barrier, type BarrierReply } from '../../src/participant/index.ts';

/** A call as it arrives: any phase, late or repeated, in any order; `crash` is a transaction that does not commit. */
export interface ArrivingCall {
  readonly step: string;
  readonly phase: 'action' | 'compensation' | 'status';
  readonly epoch: number;
  readonly fate: 'ok' | 'refuse' | 'crash';
}

export const arrivingCall = record({
  step: constantFrom('a', 'b'),
  phase: constantFrom('action', 'compensation', 'status'),
  epoch: integer({ min: 1, max: 3 }),
  fate: constantFrom('ok', 'ok', 'ok', 'refuse', 'crash'),
});

/** What the rules of the barrier say, written down a second time, as a table of what a step has been through. */
interface ModelStep {
  epoch: number;
  action?: 'applied' | 'refused' | 'barred';
  undone: boolean;
}

export class BarrierModel {
  private readonly steps = new Map<string, ModelStep>();

  /** The status and the first word of what must be answered; the model changes as the participant must. */
  expected({ step, phase, epoch, fate }: ArrivingCall): string {
    const known = this.steps.get(step) ?? { epoch: 0, undone: false };
    if (epoch < known.epoch) return 'stale-epoch';
    const next: ModelStep = { ...known, epoch };
    const keep = (answer: string): string => {
      this.steps.set(step, next);
      return answer;
    };
    if (phase === 'action') {
      if (known.action === 'barred') return 'aborted';
      if (known.action !== undefined) return keep(known.action);
      if (fate === 'crash') return 'crash';
      next.action = fate === 'refuse' ? 'refused' : 'applied';
      return keep(next.action);
    }
    if (phase === 'status') {
      next.action ??= 'barred';
      return keep(next.action === 'applied' ? 'effect applied' : 'effect none');
    }
    if (!known.undone && known.action === 'applied' && fate !== 'ok') return 'crash';
    next.action ??= 'barred';
    next.undone = true;
    return keep(next.action === 'applied' ? 'undone' : 'nothing to undo');
  }

  /** How much of each step's effect must stand: 1 when applied and not undone. */
  effects(): Record<string, number> {
    const entries = [...this.steps].filter(([, { action }]) => action === 'applied');
    return Object.fromEntries(entries.map(([step, { undone }]) => [step, undone ? 0 : 1]));
  }
}

function wordOf({ status, body }: BarrierReply): string {
  const said = JSON.parse(body) as { code?: string; effect?: string; undone?: boolean; did?: string };
  if (status === 409) return said.code ?? 'no code';
  if (said.effect !== undefined) return `effect ${said.effect}`;
  return said.undone === false ? 'nothing to undo' : (said.did ?? 'nothing');
}

/** Lets a call arrive at a real barrier; `effect` adds to the step's amount within the transaction. */
export async function arrive<Transaction>(
  rows: Barrier<Transaction>,
  saga: string,
  { step, phase, epoch, fate }: ArrivingCall,
  effect: (tx: Transaction, step: string, amount: 1 | -1) => Promise<void>,
): Promise<string> {
  try {
    const reply = await rows.transaction((tx, store) =>
      barrier(store, { saga, step, phase, epoch }, async () => {
        await effect(tx, step, phase === 'action' ? 1 : -1);
        if (fate === 'crash') throw new Error('crash');
        if (fate === 'refuse') throw new TerminalError('no', { code: 'refused' });
        return { did: phase === 'action' ? 'applied' : 'undone' };
      }),
    );
    return wordOf(reply);
  } catch (error) {
    expect(['crash', 'no']).toContain((error as Error).message);
    return 'crash';
  }
}
