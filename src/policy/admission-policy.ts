import type { MakegoodError } from '../errors.ts';
import type { AdmissionGuard, Departure } from './admission.ts';
import { fused } from './admission-chain.ts';
import { executeAdmitted } from './admitted-call.ts';
import type { Call, ExecuteOptions } from './call.ts';
import { type Policy, wrapWith } from './policy.ts';

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
    return executeAdmitted(this, fn, options);
  }

  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result> {
    return wrapWith(this, fn);
  }

  /** @internal */
  fuse(policies: readonly Policy[]): readonly Policy[] {
    return fused(policies);
  }
}
