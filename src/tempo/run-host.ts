import type { Journal } from '../journal/journal.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { RetryRules } from '../retry/decide-retry.ts';
import type { ChildEffect } from '../saga/command.ts';
import type { StepPhase } from '../saga/record.ts';
import type { SagaEvent } from './events.ts';

/** What a run needs of its coordinator. */
export interface RunHost<Run> {
  readonly journal: Journal;
  /** Its wall clock must not step back while the process lives: {@link steadyClock}. */
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<SagaEvent> | undefined;
  /** Makes the calls of remote steps. */
  readonly caller: RemoteCaller | undefined;
  readonly crashLimit: number;
  /** Whether a call may be made for what is on record. */
  readonly mayAct: boolean;
  /** Whether no new attempt may start. */
  readonly draining: boolean;
  /** The retry rules that were injected for a step, if any. */
  readonly rulesFor: (saga: string, step: string, phase: StepPhase) => RetryRules | undefined;
  /** An answer was taken, but not all of it. */
  warn(sagaId: string, sagaName: string, step: string, attempt: number, warning: string): void;
  guardFor(saga: string, step: string): Policy | undefined;
  takeSlot(run: Run): boolean;
  releaseSlot(): void;
  /** A run has begun to work, or has nothing in hand any more. */
  busy(run: Run): void;
  idle(run: Run): void;
  /** Something is to be asked of a child saga. */
  askChild(run: Run, effect: ChildEffect): void;
  /** What a run's saga is has changed for others: its status, or who looks after it. */
  moved(run: Run): void;
  /** The journal has refused or failed: nothing more can be promised. */
  broken(error: unknown): void;
}
