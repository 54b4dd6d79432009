import { type AbortHub, type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';

/**
 * Calls that wait for a place: first come, first served. Who stands in it is never sent away, but may leave by an abort,
 * and then those behind move up. How many may stand in it is for its owner to say.
 *
 * A linked list, since anyone may leave from the middle, and in a long line that must cost no more than from the front.
 */
export class WaitingLine {
  private readonly onLeft: () => void;
  private first: Waiter | undefined = undefined;
  private last: Waiter | undefined = undefined;
  length = 0;

  /** @param onLeft is called when somebody has left by an abort. */
  constructor(onLeft: () => void = nothing) {
    this.onLeft = onLeft;
  }

  /** Waits at the end of the line: a promise of the ticket that {@link WaitingLine.admitFirst} hands over. */
  join(signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const waiter = new Waiter(this, resolve, reject, this.last);
      if (signal !== undefined) waiter.hub = waitForAbort(signal, waiter);
      if (this.last === undefined) this.first = waiter;
      else this.last.next = waiter;
      this.last = waiter;
      this.length += 1;
    });
  }

  /** Hands a ticket to whoever came first; `false` when nobody waits. */
  admitFirst(ticket: number): boolean {
    const { first } = this;
    if (first === undefined) return false;
    this.remove(first);
    first.hub?.remove(first);
    first.resolve(ticket);
    return true;
  }

  /** Takes one who is leaving out of the line. */
  abandon(waiter: Waiter): void {
    this.remove(waiter);
    this.onLeft();
  }

  private remove({ previous, next }: Waiter): void {
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    this.length -= 1;
  }
}

class Waiter implements AbortWaiter {
  private readonly line: WaitingLine;
  readonly resolve: (ticket: number) => void;
  private readonly reject: (reason: unknown) => void;
  previous: Waiter | undefined;
  next: Waiter | undefined = undefined;
  hub: AbortHub | undefined = undefined;

  constructor(
    line: WaitingLine,
    resolve: (ticket: number) => void,
    reject: (reason: unknown) => void,
    previous: Waiter | undefined,
  ) {
    this.line = line;
    this.resolve = resolve;
    this.reject = reject;
    this.previous = previous;
  }

  onAbort(reason: unknown): void {
    this.line.abandon(this);
    this.reject(reason);
  }
}

function nothing(): void {
  // A line whose owner need not know.
}
