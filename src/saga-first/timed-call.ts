import type { Clock } from '../ports/clock.ts';
import { attachDeadline } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { DerivedSignal } from '../time/derived-signal.ts';

/** What a call came to. `returned` is false while its function has not, so that what it sent may still arrive. */
export type CallEnding<Value> =
  | { readonly value: Value; readonly returned: true }
  | { readonly error: unknown; readonly returned: boolean };

/** Calls a function with a signal that ends with its time, or with the parent; does not wait for one that is deaf. */
export async function timedCall<Value>(
  call: (signal: AbortSignal) => Value | Promise<Value>,
  {
    what,
    timeoutMs,
    clock,
    parent,
  }: { what: string; timeoutMs: number; clock: Clock; parent?: AbortSignal | undefined },
): Promise<CallEnding<Value>> {
  const derived = new DerivedSignal([parent]);
  const { signal } = derived;
  const startedMs = clock.monotonicMs();
  attachDeadline(signal, { clock, dueMs: startedMs + timeoutMs });
  derived.abortAfter(timeoutMs, clock, () => {
    return new DeadlineExceededError(what, { deadlineMs: timeoutMs, elapsedMs: clock.monotonicMs() - startedMs });
  });
  const deaf = new Promise<CallEnding<Value>>((resolve) => {
    // A turn later: a function that listens to its signal is heard first.
    const giveUp = (): void => clock.soon(() => resolve({ error: signal.reason, returned: false }));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([settle(call, signal), deaf]);
  } finally {
    derived.dispose();
  }
}

async function settle<Value>(
  call: (signal: AbortSignal) => Value | Promise<Value>,
  signal: AbortSignal,
): Promise<CallEnding<Value>> {
  try {
    return { value: await call(signal), returned: true };
  } catch (error) {
    return { error, returned: true };
  }
}
