import type { Random } from '../ports/random.ts';
import type { RetryRules } from '../retry/decide-retry.ts';
import type { SagaEffect } from './command.ts';
import type { CallStep, SagaDefinition, StepDefinition } from './definition.ts';
import type { SagaRecord, SagaRecordData, SagaRecordType, StepPhase } from './record.ts';
import { applyRecord, type SagaState } from './state.ts';
import { stepOf } from './step-of.ts';
import type { StepState } from './step-state.ts';

/** Facts from outside that a decision may use. */
export interface DecisionContext {
  readonly id: string;
  /** Wall clock, ms since 1970. */
  readonly now: number;
  readonly random: Random;
  readonly epoch: number;
  /** Only note what happened; start nothing new (no room, or closing). */
  readonly hold: boolean;
  /** How often the process may die with an action of one step in its hands. Default: any number of times. */
  readonly crashLimit?: number | undefined;
  /** The retry rules that were injected for a step; `undefined`: the definition's own. Default: none are. */
  readonly rulesFor?: ((saga: string, step: string, phase: StepPhase) => RetryRules | undefined) | undefined;
}

/** A decision in the making: records are folded in as they are written, so each rule sees the state before it. */
export class Draft {
  definition: SagaDefinition;
  readonly context: DecisionContext;
  records: SagaRecord[] = [];
  readonly effects: SagaEffect[] = [];
  private folded: SagaState | undefined;

  constructor(definition: SagaDefinition, state: SagaState | undefined, context: DecisionContext) {
    this.definition = definition;
    this.folded = state;
    this.context = context;
  }

  get state(): SagaState {
    if (this.folded === undefined) throw new TypeError('Expected a saga to be started first');
    return this.folded;
  }

  write<Type extends SagaRecordType>(type: Type, data: SagaRecordData[Type]): void {
    const { epoch, now: timestamp, id } = this.context;
    const seq = this.folded === undefined ? 1 : this.folded.seq + 1;
    const record = { seq, epoch, timestamp, type, ...data } as unknown as SagaRecord;
    this.folded = applyRecord(id, this.folded, record);
    // Most decisions write one record or two, and the first push onto an empty array takes the room of seventeen.
    if (this.records.length === 0) this.records = [record];
    else if (this.records.length === 1) this.records = [this.records[0] as SagaRecord, record];
    else this.records.push(record);
  }

  stepState(index: number): StepState {
    const step = this.state.steps[index];
    if (step === undefined) throw new RangeError(`Expected a step of saga "${this.state.name}", got index ${index}`);
    return step;
  }

  stepDefinition(index: number): StepDefinition {
    return stepOf(this.definition, this.state, index);
  }

  /** The definition of a step that makes calls. */
  callStep(index: number): CallStep {
    const step = this.stepDefinition(index);
    if (step.kind === 'call') return step;
    throw new TypeError(
      `Expected step "${step.name}" of saga "${this.definition.name}" to make calls, it is ${step.kind}`,
    );
  }

  /** How a step's calls are retried now. */
  rules(step: CallStep, phase: StepPhase): RetryRules {
    const injected = this.context.rulesFor?.(this.definition.name, step.name, phase);
    return injected ?? (phase === 'action' ? step.retry : step.compensationRetry);
  }

  /** Asks to be asked again, at the latest then. */
  wake(at: number): void {
    this.effects.push({ type: 'wake', at });
  }

  get remainingMs(): number {
    const { deadlineAt } = this.state;
    return deadlineAt === undefined ? Infinity : deadlineAt - this.context.now;
  }
}
