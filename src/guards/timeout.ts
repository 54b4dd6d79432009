import { abortableSignalOf, type Call, type ExecuteOptions } from '../policy/call.ts';
import { type Policy, wrapWith } from '../policy/policy.ts';
import { startNow } from '../policy/start-now.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';
import type { Alarm, AlarmLink } from '../time/alarm-queue.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { type Deadline, deadlineOf, remainingMs } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { type Duration, toPositiveMs } from '../time/duration.ts';
import { CancellableCall } from './cancellable-call.ts';
import { checkFunction, checkMethod, checkText } from '../options.ts';

/** Options of {@link timeout}. */
export interface TimeoutOptions {
  /** What the call is named in errors and events. Default `'timeout'`. */
  readonly name?: string | undefined;
  /** Is told of every call that took too long. Default: nobody. */
  readonly observer?: Observer<TimeoutEvent> | undefined;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock | undefined;
}

/** A call took longer than it may, and was ended with `error`. */
export type TimeoutEvent = {
  readonly type: 'timeout.expired';
  readonly name: string;
  readonly timeoutMs: number;
  readonly error: DeadlineExceededError;
};

interface TimeoutSettings {
  readonly name: string;
  readonly timeoutMs: number;
  readonly observer: Observer<TimeoutEvent> | undefined;
  readonly clock: Clock;
  readonly alarms: Alarms;
}

/** One call that its time-out or its caller may end. */
class TimedCall<Result> extends CancellableCall implements Alarm, AbortWaiter {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  private readonly settings: TimeoutSettings;
  private readonly parent: AbortSignal | undefined;
  private readonly startedMs: number;
  private hub: AbortHub | undefined = undefined;
  private reject: (reason: unknown) => void = ignore;

  constructor(settings: TimeoutSettings, parent: AbortSignal | undefined) {
    super();
    this.settings = settings;
    this.parent = parent;
    this.startedMs = settings.clock.monotonicMs();
  }

  run(fn: (call: Call) => Result | PromiseLike<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.reject = reject;
      if (this.parent !== undefined) this.hub = waitForAbort(this.parent, this);
      this.settings.alarms.set(this, this.startedMs + this.settings.timeoutMs);
      startNow(fn, this).then(
        (result) => {
          this.release();
          resolve(result);
        },
        (error: unknown) => {
          this.release();
          reject(error);
        },
      );
    });
  }

  ring(): void {
    const { name, timeoutMs, clock, observer } = this.settings;
    const elapsedMs = clock.monotonicMs() - this.startedMs;
    const error = new DeadlineExceededError(`"${name}"`, { deadlineMs: timeoutMs, elapsedMs });
    notify(observer, { type: 'timeout.expired', name, timeoutMs, error });
    this.onAbort(error);
  }

  onAbort(reason: unknown): void {
    this.release();
    // Rejected first: what the function makes of its aborted signal must not replace the reason.
    this.reject(reason);
    this.cancel(reason);
  }

  protected override get deadline(): Deadline {
    const { clock, timeoutMs } = this.settings;
    const dueMs = this.startedMs + timeoutMs;
    const inherited = deadlineOf(this.parent);
    return inherited !== undefined && remainingMs(this.parent) <= dueMs - clock.monotonicMs()
      ? inherited
      : { clock, dueMs };
  }

  private release(): void {
    this.hub?.remove(this);
    this.settings.alarms.clear(this);
  }
}

class TimeoutPolicy implements Policy {
  private readonly settings: TimeoutSettings;

  constructor(settings: TimeoutSettings) {
    this.settings = settings;
  }

  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result> {
    const parent = abortableSignalOf(options);
    if (parent?.aborted === true) return Promise.reject(parent.reason);
    return new TimedCall<Result>(this.settings, parent).run(fn);
  }

  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result> {
    return wrapWith(this, fn);
  }
}

function ignore(): void {
  // Stands in until the call runs.
}

/**
 * Ends a call that takes too long: it rejects with a {@link DeadlineExceededError} at once, whether or not the function
 * heeds its signal, which aborts with that error as its reason. What the function does afterwards changes nothing.
 *
 * It ends that one call only, and a deadline that comes earlier counts all the same. Around `retry` it limits the whole
 * call; as one of its guards, or as `attemptTimeout`, a single attempt.
 *
 * All calls share one timer, and a call that is over within the turn of the event loop that began it costs none.
 *
 * @param duration how long a call may take; more than 0.
 * @param options.name names the call in errors and events. Default `'timeout'`.
 * @param options.observer is told of every call that took too long. Default nobody.
 * @throws {TypeError} or {RangeError} when the duration or an option is wrong.
 * @example
 * await timeout('2s').execute(async ({ signal }) => signal.aborted) // => false
 */
export function timeout(duration: Duration, options: TimeoutOptions = {}): Policy {
  const { name = 'timeout', observer, clock = systemClock } = options;
  const timeoutMs = toPositiveMs(duration, 'timeout');
  checkText('name', name);
  checkFunction('observer', observer);
  checkMethod('clock', clock, 'setTimer', 'a Clock');
  return new TimeoutPolicy({ name, timeoutMs, observer, clock, alarms: alarmsOf(clock) });
}
