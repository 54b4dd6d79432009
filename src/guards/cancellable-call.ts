import { OpenCall } from '../policy/call.ts';
import { attachDeadline, type Deadline } from '../time/deadline.ts';

/**
 * A call that its policy may end before the function has. Its signal is made when the function first asks for it; asked
 * for when all is over, it has aborted.
 */
export class CancellableCall extends OpenCall {
  private controller: AbortController | undefined = undefined;
  private ending: { readonly reason: unknown } | undefined = undefined;

  override get canAbort(): boolean {
    return true;
  }

  /** Whether it was ended, and by what. */
  get endedBy(): { readonly reason: unknown } | undefined {
    return this.ending;
  }

  /** The deadline that is to ride on the signal, if there is one. */
  protected get deadline(): Deadline | undefined {
    return undefined;
  }

  /** Ends it; only the first time counts. */
  cancel(reason: unknown): void {
    if (this.ending !== undefined) return;
    this.ending = { reason };
    this.controller?.abort(reason);
  }

  protected override makeSignal(): AbortSignal {
    this.controller = new AbortController();
    const { signal } = this.controller;
    if (this.deadline !== undefined) attachDeadline(signal, this.deadline);
    if (this.ending !== undefined) this.controller.abort(this.ending.reason);
    return signal;
  }
}
