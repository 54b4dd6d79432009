/** The server of the storm: one queue, served in order of arrival, whose capacity falls and comes back. */
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';

/**
 * What a server knows of its callers: `deaf` works on for those that have left, `notices` drops them when their connection
 * closes, `deadline` is deaf but drops a request whose deadline, which came with it, has passed.
 */
export type Hearing = 'deaf' | 'notices' | 'deadline';

export interface ServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly hearing: Hearing;
  /** Requests a second it can serve at a time (ms since the start). */
  readonly capacityAt: (ms: number) => number;
  /** Is told each request that arrives. */
  readonly arrived: () => void;
}

interface Pending {
  readonly dueMs: number;
  readonly answer: () => void;
  left: boolean;
}

/** A request that has been sent. */
export interface Sent {
  /** Resolves when it is answered; stays open when the caller leaves first. */
  readonly answered: Promise<void>;
  /** The caller gives up. */
  leave(): void;
}

export class Server {
  private readonly options: ServerOptions;
  private queue: Pending[] = [];
  private head = 0;
  private busy = false;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  /** @param remainingMs how long the caller will wait; its deadline travels with the request. */
  send(remainingMs: number): Sent {
    this.options.arrived();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const pending: Pending = { dueMs: this.options.clock.monotonicMs() + remainingMs, answer, left: false };
    this.queue.push(pending);
    if (!this.busy) this.serveNext();
    return { answered, leave: () => void (pending.left = true) };
  }

  private serveNext(): void {
    const { clock, random, capacityAt } = this.options;
    const request = this.take();
    this.busy = request !== undefined;
    if (request === undefined) return;
    // Times of service are exponential, as between strangers.
    const serviceMs = (-Math.log(1 - random()) / capacityAt(clock.monotonicMs())) * 1000;
    clock.setTimer(serviceMs, () => {
      if (!request.left) request.answer();
      this.serveNext();
    });
  }

  private take(): Pending | undefined {
    while (this.head < this.queue.length) {
      const request = this.queue[this.head++];
      if (this.head > 4096 && this.head * 2 > this.queue.length) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
      if (request !== undefined && !this.isDropped(request)) return request;
    }
    return undefined;
  }

  private isDropped(request: Pending): boolean {
    const { hearing, clock } = this.options;
    if (hearing === 'notices') return request.left;
    return hearing === 'deadline' && clock.monotonicMs() >= request.dueMs;
  }
}
