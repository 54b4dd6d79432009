/** What every policy hands to the function it runs. */
export interface Call {
  /** Aborts when the work is no longer wanted; its reason tells why. Pass it on to whatever waits. */
  readonly signal: AbortSignal;
}

/** Options of {@link Policy.execute}; a {@link Call} is one too, so that a policy inside another is handed its call. */
export interface ExecuteOptions {
  /** Cancels the call. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A call that makes its signal when it is first asked for: most functions never ask, and an `AbortController` costs
 * more than the rest of a call. Destructuring asks, as reading the property does.
 */
export class OpenCall implements Call {
  private made: AbortSignal | undefined = undefined;

  get signal(): AbortSignal {
    return (this.made ??= this.makeSignal());
  }

  /** Whether the signal could ever abort; those who only listen need not ask for one that cannot. */
  get canAbort(): boolean {
    return false;
  }

  // A signal of its own each time: listeners that users leave on one shared for ever would pile up there.
  protected makeSignal(): AbortSignal {
    return new AbortController().signal;
  }
}

/**
 * The call a policy of your own hands inward when it changes nothing: what it was given, where that is a call already.
 *
 * @param options as `execute` was given them.
 * @example
 * callOf(undefined).signal.aborted // => false
 */
export function callOf(options: ExecuteOptions | undefined): Call {
  if (options instanceof OpenCall) return options;
  return options?.signal === undefined ? new OpenCall() : (options as Call);
}

/**
 * The signal a policy of your own has to listen to: `undefined` when there is none, or one that can never abort, which is
 * then not even made.
 *
 * @param options as `execute` was given them.
 * @example
 * abortableSignalOf(callOf(undefined)) // => undefined
 */
export function abortableSignalOf(options: ExecuteOptions | undefined): AbortSignal | undefined {
  return options instanceof OpenCall && !options.canAbort ? undefined : options?.signal;
}
