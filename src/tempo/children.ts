import { AppendConflictError } from '../journal/journal.ts';
import type { ChildEffect, SagaCommand } from '../saga/command.ts';
import type { ChildStep, SagaDefinition } from '../saga/definition.ts';
import type { ParentLink } from '../saga/record.ts';
import { resultsOf } from '../saga/results.ts';
import { isHeld, type SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import { stepOf } from '../saga/step-of.ts';
import { checkInput } from './saga-input.ts';
import type { SagaRun } from './saga-run.ts';

/** A child that is to be accepted. */
export interface ChildStart {
  readonly id: string;
  readonly definition: SagaDefinition;
  readonly command: Extract<SagaCommand, { type: 'start' }>;
}

/** What the desk needs of the coordinator. */
export interface ChildHost {
  readonly draining: boolean;
  runOf(id: string): SagaRun | undefined;
  /** Accepts a child; rejects with an {@link AppendConflictError} when there is one of this id. */
  accept(start: ChildStart): Promise<SagaRun>;
  /** The state of a saga that nobody drives. */
  read(id: string): Promise<SagaState | undefined>;
  /** The journal has failed, or a fault was found that must not be hidden. */
  broken(error: unknown): void;
}

/** The id of the saga that a step starts: the same after every crash, so that it is started once. */
function childId(parent: string, step: string): string {
  return `${parent}~${step}`;
}

/** Carries words between sagas and those that are steps of them. Each may be carried twice and does no harm then. */
export class ChildDesk {
  private readonly host: ChildHost;
  private readonly starting = new Set<string>();

  constructor(host: ChildHost) {
    this.host = host;
  }

  /** Asks of a child what its parent's records say is to be asked. */
  ask(parent: SagaRun, { type, step }: ChildEffect): void {
    if (this.host.draining) return;
    const { state } = parent;
    if (state === undefined) return;
    const id = childId(parent.id, state.steps[step]?.name ?? '');
    const asked = {
      'start-child': () => this.start(parent, step, id),
      'abort-child': () => this.abort(parent, step, id),
      'release-child': () => Promise.resolve(this.host.runOf(id)?.send({ type: 'release' })),
      'terminate-child': () => this.terminate(id, parent.id),
    }[type];
    asked().catch((error: unknown) => this.host.broken(error));
  }

  private async start(parent: SagaRun, step: number, id: string): Promise<void> {
    const running = this.host.runOf(id);
    if (running !== undefined) return this.tellParent(running.state);
    this.starting.add(id);
    try {
      const child = await this.accept(parent, step, id);
      if (child === undefined) return;
      // The parent may have turned round while its child was being accepted.
      if (parent.state?.reason !== undefined) await this.abort(parent, step, id);
    } finally {
      this.starting.delete(id);
    }
  }

  /** Accepts the child; `undefined` when it cannot be, or has ended long ago, which its parent is then told. */
  private async accept(parent: SagaRun, step: number, id: string): Promise<SagaRun | undefined> {
    const state = parent.state as SagaState;
    const own = state.steps[step];
    const { child, makeInput } = stepOf(parent.definition, state, step) as ChildStep;
    try {
      const facts = { input: state.input, results: resultsOf(state), item: own?.facts.item };
      const input = await checkInput(child, makeInput(facts));
      const { headers, deadlineAt } = state;
      const deadlineMs = deadlineAt === undefined ? undefined : Math.max(0, deadlineAt - parent.now);
      const link: ParentLink = { id: parent.id, step: own?.name ?? '' };
      return await this.host.accept({
        id,
        definition: child,
        command: { type: 'start', input, headers, deadlineMs, parent: link },
      });
    } catch (error) {
      if (error instanceof AppendConflictError) this.tellParent(await this.host.read(id));
      else if (!this.host.draining) {
        parent.send({ type: 'action-failed', step, attempt: own?.action.attempts ?? 1, error, definite: true });
      }
      return undefined;
    }
  }

  private async abort(parent: SagaRun, step: number, id: string): Promise<void> {
    const child = this.host.runOf(id);
    if (child === undefined) {
      if (this.starting.has(id)) return;
      const state = await this.host.read(id);
      if (state !== undefined) return this.tellParent(state);
      const attempt = parent.state?.steps[step]?.action.attempts ?? 1;
      const error = new Error('the child was never started');
      return parent.send({ type: 'action-failed', step, attempt, error, definite: true });
    }
    await child.whenAccepted;
    const { state } = child;
    if (state !== undefined && isTerminal(state.status)) return this.tellParent(state);
    await child.ask({ type: 'cancel', byParent: true, reason: `saga "${parent.id}" is undone` }).catch(ignore);
  }

  private async terminate(id: string, parent: string): Promise<void> {
    const child = this.host.runOf(id);
    await child?.ask({ type: 'terminate', reason: `saga "${parent}" was terminated` }).catch(ignore);
  }

  /** A child has got somewhere: its parent is told when that is an end. */
  moved(child: SagaRun): void {
    this.tellParent(child.state);
  }

  private tellParent(child: SagaState | undefined): void {
    if (child?.parent === undefined || !(isTerminal(child.status) || isHeld(child))) return;
    const parent = this.host.runOf(child.parent.id);
    const name = child.parent.step;
    const step = parent?.state?.steps.findIndex((own) => own.name === name) ?? -1;
    const state = parent?.state?.steps[step];
    if (parent === undefined || state === undefined) return;
    if (state.action.open) parent.send(actionOutcome(child, step, state.action.attempts));
    else if (state.compensation.open) parent.send(undoOutcome(child, step, state.compensation.attempts));
  }

  /** After a restart: a child whose parent has ended meanwhile is told so. */
  async recover(child: SagaRun): Promise<void> {
    const { state } = child;
    if (state?.parent === undefined || isTerminal(state.status)) return;
    const parent = this.host.runOf(state.parent.id)?.state ?? (await this.host.read(state.parent.id));
    if (parent?.status === 'completed') child.send({ type: 'release' });
    if (parent?.status === 'terminated') await this.terminate(child.id, parent.id);
  }
}

function ignore(): void {
  // The child has ended, or cannot turn round any more: its parent learns from its end.
}

function actionOutcome(child: SagaState, step: number, attempt: number): SagaCommand {
  if (child.status === 'completed' || isHeld(child)) {
    return { type: 'action-applied', step, attempt, output: child.output ?? null };
  }
  const { failure } = child;
  const why = failure?.message ?? child.said ?? child.reason ?? 'for no reason given';
  const what = child.status === 'terminated' ? 'was terminated' : 'was undone';
  const error = Object.assign(new Error(`saga "${child.id}" ${what}: ${why}`), {
    code: failure?.code ?? 'MAKEGOOD_SAGA_CANCELLED',
  });
  return { type: 'action-failed', step, attempt, error, definite: child.status !== 'terminated' };
}

function undoOutcome(child: SagaState, step: number, attempt: number): SagaCommand {
  if (child.status === 'compensated') return { type: 'compensation-applied', step, attempt };
  const error = new Error(`saga "${child.id}" is ${child.status} and cannot be undone`);
  return { type: 'compensation-failed', step, attempt, error, definite: true };
}
