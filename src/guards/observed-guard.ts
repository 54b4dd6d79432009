import { AdmissionPolicy } from '../policy/admission-policy.ts';
import { type RefusedError, withoutStack } from '../policy/refused-error.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { checkFunction, checkText } from '../options.ts';
import type { GuardEvent } from './guard-events.ts';

/** What every guard can be given: who it is, and who is told. */
export interface ObservedGuardOptions<Event extends GuardEvent> {
  /** What the guard is named in errors and events: the thing it protects. Default: what it is. */
  readonly name?: string | undefined;
  /** Is told what happens, see {@link GuardEvent}. Default: nobody. */
  readonly observer?: Observer<Event> | undefined;
}

/** An admission guard with a name, whose refusals are told to an observer. */
export abstract class ObservedGuard<Event extends GuardEvent> extends AdmissionPolicy {
  readonly name: string;
  private readonly observer: Observer<GuardEvent> | undefined;

  constructor(name: string, observer: Observer<Event> | undefined) {
    super();
    this.name = checkText('name', name);
    // It is told only events of its own kind.
    this.observer = checkFunction('observer', observer) as Observer<GuardEvent> | undefined;
  }

  refusal(): RefusedError {
    const error = withoutStack(() => this.makeRefusal());
    if (this.observer !== undefined) notify(this.observer, { type: 'guard.refused', name: this.name, error });
    return error;
  }

  protected abstract makeRefusal(): RefusedError;

  protected tell(event: Event): void {
    notify(this.observer, event);
  }

  /** Whether an error counts as a failure of the callee: every one does, unless there is a test for it. */
  protected countsAsFailure(isFailure: ErrorTest | undefined, error: unknown): boolean {
    if (isFailure === undefined) return true;
    try {
      return isFailure(error);
    } catch (fault) {
      // The call has failed all the same, and a fault in the test must not hide that, nor the call's own error.
      notify(this.observer, { type: 'guard.fault', name: this.name, fault });
      return true;
    }
  }
}
