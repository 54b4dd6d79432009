/**
 * Participants, as they are: they keep their contract, and remember every effect. The fault model:
 *
 * - They refuse for business reasons, for good. They are away for a moment, with or without `Retry-After`. They are still
 *   at it for a while, and then have done it. They answer what is no answer.
 * - Those with a barrier apply a key once, replay its reply, leave a tombstone when the undoing or a question comes first,
 *   and refuse an action from then on. Those without know a key again and leave no tombstone.
 */
import { InProgressError } from '../../idempotency/idempotency-errors.ts';
import type { JsonValue } from '../../saga/json-value.ts';
import { TerminalError } from '../../saga/terminal-error.ts';
import type { CallPhase } from './build-saga.ts';
import { chanceOf } from './chance.ts';
import type { Faults } from './faults.ts';
import type { Kernel } from './kernel.ts';
import { longestRetryAfterMs } from './record-laws.ts';
import type { Operation, OutsideWorld } from './outside-world.ts';
import type { CallShape } from './shape.ts';
import { Violation } from './violation.ts';

/** A call as it arrives. */
export interface Request {
  readonly sagaId: string;
  readonly step: string;
  readonly phase: CallPhase;
  readonly attempt: number;
  readonly shape: CallShape;
  /** The world's time. */
  readonly sentAt: number;
}

/** What is answered: a value, or what the caller throws. */
export type Reply = { readonly value: JsonValue | (() => void) | undefined } | { readonly error: unknown };

/** Every participant of one world. */
export class Participants {
  private readonly kernel: Kernel;
  private readonly faults: Faults;
  private readonly world: OutsideWorld;
  private readonly seed: number;
  private awayUntil = 0;

  constructor(kernel: Kernel, faults: Faults, world: OutsideWorld, seed: number) {
    this.kernel = kernel;
    this.faults = faults;
    this.world = world;
    this.seed = seed;
  }

  /** Whether a step is wanted at all, see `when`. */
  isWanted(shape: CallShape, sagaId: string): boolean {
    return chanceOf(`${this.seed} wanted ${sagaId} ${shape.name}`) >= shape.skipRatio;
  }

  /** All of them are away for a while. */
  beAway(ms: number): void {
    this.awayUntil = this.kernel.now + ms;
  }

  /** Does what a call asks for, and answers. */
  serve(request: Request): Reply {
    const reply = this.answer(request);
    const { sagaId, step, phase, attempt } = request;
    const what = 'value' in reply ? 'done' : String(reply.error);
    this.kernel.tell(sagaId, 'network', 'participant', `${phase} ${step} #${attempt}: ${what}`);
    return reply;
  }

  private answer(request: Request): Reply {
    if (this.awayUntil > this.kernel.now) return { error: Object.assign(new Error('away'), { status: 503 }) };
    const transient = this.faults.strikes('transient');
    if (transient !== undefined) {
      const headers =
        transient() < 0.3 ? { 'retry-after': String(Math.floor((transient() * longestRetryAfterMs) / 1000)) } : {};
      return { error: Object.assign(new Error('away for a moment'), { status: 503, headers }) };
    }
    const operation = this.world.of(request.sagaId, request.step);
    const reply = this.reply(request, operation);
    if ('value' in reply && this.faults.strikes('garbage') !== undefined) return { value: () => undefined };
    return reply;
  }

  private reply(request: Request, operation: Operation): Reply {
    switch (request.phase) {
      case 'action':
        return this.act(request, operation);
      case 'compensation':
        return this.undo(operation);
      case 'status':
        if (operation.applied === 0) operation.barred = true;
        return { value: operation.applied > 0 ? { effect: 'applied', output: request.step } : { effect: 'none' } };
    }
  }

  private act({ sagaId, step, shape, sentAt }: Request, operation: Operation): Reply {
    const { barrier, readOnly, refuseRatio } = shape;
    if (readOnly) return { value: step };
    if (operation.applied > 0) return { value: step };
    if (operation.refused) return { error: new TerminalError('refused', { code: 'REFUSED' }) };
    if (barrier && operation.barred) return { error: new TerminalError('undone already', { code: 'UNDONE' }) };
    if (chanceOf(`${this.seed} refused ${sagaId} ${step}`) < refuseRatio) {
      operation.refused = true;
      return { error: new TerminalError('refused', { code: 'REFUSED' }) };
    }
    const busy = operation.busyUntil === undefined ? this.faults.strikes('busy') : undefined;
    // Without a barrier what was asked for is over by the time that `maxFlight` promises, however late it came.
    const longestMs = barrier ? 5000 : Math.min(shape.maxFlightMs / 2, sentAt + shape.maxFlightMs - this.kernel.now);
    if (busy !== undefined) this.beBusy(operation, shape, busy() * Math.max(0, longestMs));
    if (operation.busyUntil === undefined) {
      this.apply(operation, shape);
      return { value: step };
    }
    return { error: new InProgressError(`${sagaId}/${step}`, { retryAfterMs: 50 + (busy?.() ?? 0.1) * 1000 }) };
  }

  /** The effect comes by itself, whoever asks in the meantime. */
  private beBusy(operation: Operation, shape: CallShape, ms: number): void {
    operation.busyUntil = this.kernel.now + ms;
    this.kernel.after(ms, 'done', () => {
      operation.busyUntil = undefined;
      if (operation.applied === 0 && !(shape.barrier && operation.barred)) this.apply(operation, shape);
    });
  }

  private apply(operation: Operation, { compensateOnFailure }: CallShape): void {
    const { sagaId, step } = operation;
    operation.applied++;
    if (operation.barred && !compensateOnFailure)
      throw new Violation(
        'I4c nothing takes effect after its undoing',
        `"${step}" took effect after its undoing`,
        sagaId,
      );
    if (operation.applied > 1)
      throw new Violation('I1 completed means done once', `"${step}" took effect twice`, sagaId);
  }

  private undo(operation: Operation): Reply {
    operation.barred = true;
    if (operation.applied > operation.undone) operation.undone++;
    return { value: null };
  }
}
