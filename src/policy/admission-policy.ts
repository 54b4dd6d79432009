import type { MakegoodError } from '../errors.ts';
import type { AdmissionGuard, Departure } from './admission.ts';
import { abortableSignalOf, type Call, callOf, type ExecuteOptions } from './call.ts';
import { failureOutcome } from './outcome.ts';
import { wrapWith } from './policy.ts';
import { rejectSoon } from './reject-soon.ts';
import { startNow } from './start-now.ts';

/**
 * An {@link AdmissionGuard} that lacks only its decision: extend it with `tryEnter`, `refusal` and `leave`. It neither
 * waits nor foresees anything unless told otherwise.
 *
 * @example
 * class Gate extends AdmissionPolicy {
 *   isOpen = false;
 *   tryEnter() { return this.isOpen ? 0 : refused; }
 *   refusal() { return new RefusedError('MAKEGOOD_GATE_SHUT', 'the gate is shut', { guard: 'gate' }); }
 *   leave() {}
 * }
 * const ended = await new Gate().execute(() => 'in').catch(isRefusal);
 * ended // => true
 */
export abstract class AdmissionPolicy implements AdmissionGuard {
  abstract tryEnter(): number;
  abstract refusal(): MakegoodError;
  abstract leave(ticket: number, departure: Departure, error?: unknown): void;

  enter(_options?: ExecuteOptions): number | Promise<number> {
    return this.tryEnter();
  }

  wouldRefuse(_delayMs: number): boolean {
    return false;
  }

  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result> {
    const ticket = this.enter(options);
    if (typeof ticket !== 'number') return this.runLate(ticket, fn, options);
    return ticket < 0 ? rejectSoon(this.refusal()) : this.run(ticket, fn, options);
  }

  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result> {
    return wrapWith(this, fn);
  }

  private run<Result>(
    ticket: number,
    fn: (call: Call) => Result | PromiseLike<Result>,
    options: ExecuteOptions | undefined,
  ): Promise<Result> {
    const call = callOf(options);
    return startNow(fn, call).then(
      (result) => {
        this.leave(ticket, 'success');
        return result;
      },
      (error: unknown) => {
        this.leave(ticket, failureOutcome(abortableSignalOf(call), error), error);
        throw error;
      },
    );
  }

  private async runLate<Result>(
    waiting: Promise<number>,
    fn: (call: Call) => Result | PromiseLike<Result>,
    options: ExecuteOptions | undefined,
  ): Promise<Result> {
    const ticket = await waiting;
    const signal = abortableSignalOf(options);
    if (signal?.aborted === true) {
      // Between the moment a place was handed over and this one the caller has left.
      this.leave(ticket, 'unused');
      throw signal.reason;
    }
    return this.run(ticket, fn, options);
  }
}
