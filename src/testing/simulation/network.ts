/**
 * The way from a coordinator to a participant and back. The fault model:
 *
 * - A request takes its time, is lost, arrives twice, or much later than its caller waits. A reply is lost after the effect.
 *   A connection is reset, or stands half-open and says nothing ever.
 * - What was sent arrives, whatever becomes of the process that sent it.
 * - To a participant without a barrier a request arrives once, within the time-out and `maxFlight`, and a handler does not
 *   return before it has: that is what `maxFlight` promises.
 */
import type { ActionContext } from '../../saga/definition.ts';
import type { SeededRandom } from '../../ports/random.ts';
import { remainingMs } from '../../time/deadline.ts';
import type { CallPhase } from './build-saga.ts';
import type { Faults } from './faults.ts';
import type { Kernel } from './kernel.ts';
import type { Participants, Reply, Request } from './participants.ts';
import type { CallShape } from './shape.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Called with each request before it leaves its process. */
export type SendWatch = (request: Request, process: SimulatedProcess) => void;

/** Everything between coordinators and participants. */
export class Network {
  private readonly kernel: Kernel;
  private readonly faults: Faults;
  private readonly participants: Participants;
  private readonly onSend: SendWatch;
  private readonly latency: SeededRandom;
  /** How long a message takes as a rule, in ms. */
  private readonly usualMs: number;

  constructor(kernel: Kernel, faults: Faults, participants: Participants, random: SeededRandom, onSend: SendWatch) {
    this.kernel = kernel;
    this.faults = faults;
    this.participants = participants;
    this.onSend = onSend;
    this.latency = random.split('network');
    this.usualMs = 1 + this.latency() ** 3 * 100;
  }

  /** Makes a call for a process; rejects when the caller gives up, if the handler listens. */
  call(process: SimulatedProcess, shape: CallShape, phase: CallPhase, context: ActionContext): Promise<unknown> {
    // A process that stopped in the middle of a turn sends nothing that this turn would have led to.
    if (!process.alive) return new Promise(() => undefined);
    const { sagaId, step, attempt } = context;
    const request: Request = { sagaId, step, phase, attempt, shape, sentAt: this.kernel.now };
    this.onSend(request, process);
    return new Flight(this, process, request).run(context);
  }

  delayMs(): number {
    return this.usualMs * (0.5 + this.latency());
  }

  strikes(kind: Parameters<Faults['strikes']>[0]): SeededRandom | undefined {
    return this.faults.strikes(kind);
  }

  /** Lets a request arrive and be served. */
  deliver(delayMs: number, request: Request, reply: (reply: Reply) => void): void {
    this.kernel.after(delayMs, 'request', () => reply(this.participants.serve(request)));
  }
}

/** One call on its way. */
class Flight {
  private readonly network: Network;
  private readonly process: SimulatedProcess;
  private readonly request: Request;
  private readonly outcome = Promise.withResolvers<unknown>();
  /** Whether the request is on its way, and the caller cannot know what it will do. */
  private underway = true;
  private gaveUp: { readonly reason: unknown } | undefined;

  constructor(network: Network, process: SimulatedProcess, request: Request) {
    this.network = network;
    this.process = process;
    this.request = request;
  }

  run(context: ActionContext): Promise<unknown> {
    const { network, request } = this;
    const lost = network.strikes('request-lost') !== undefined;
    const silent = network.strikes('reply-lost') !== undefined;
    const halfOpen = network.strikes('half-open') !== undefined;
    this.reset();
    if (lost || halfOpen) this.underway = false;
    else network.deliver(this.travelMs(context), request, (reply) => this.arrived(silent ? undefined : reply));
    this.duplicate();
    // A half-open connection keeps even a handler that listens from returning.
    const deaf = halfOpen || network.strikes('deaf-handler') !== undefined;
    if ((request.shape.listens || lost || silent) && !deaf) this.listen(context.signal);
    return this.outcome.promise;
  }

  private travelMs(context: ActionContext): number {
    const { barrier, maxFlightMs, timeoutMs } = this.request.shape;
    const slow = this.network.strikes('slow');
    const usual = this.network.delayMs();
    if (slow === undefined) return usual;
    if (barrier) return usual + slow() * 60_000;
    // The saga's deadline may leave the call less than its time-out, and what it sends is given up with it.
    return usual + slow() * (Math.min(timeoutMs, remainingMs(context.signal)) + maxFlightMs * 0.9);
  }

  /** The connection breaks before an answer; what was sent may arrive all the same. */
  private reset(): void {
    const reset = this.request.shape.barrier ? this.network.strikes('reset') : undefined;
    if (reset === undefined) return;
    const error = Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
    this.process.after(this.network.delayMs() * reset() * 2, 'reset', () => this.outcome.reject(error));
  }

  private duplicate(): void {
    const twice = this.request.shape.barrier ? this.network.strikes('duplicate') : undefined;
    if (twice !== undefined) this.network.deliver(twice() * 60_000, this.request, () => undefined);
  }

  private arrived(reply: Reply | undefined): void {
    this.underway = false;
    // No answer will come; a handler that returns says that nothing is under way, and without a barrier it must be so.
    if (reply === undefined) {
      const { barrier, maxFlightMs } = this.request.shape;
      const { gaveUp } = this;
      if (gaveUp !== undefined)
        this.process.after(barrier ? 0 : maxFlightMs / 2, 'returns', () => this.outcome.reject(gaveUp.reason));
      return;
    }
    this.process.after(this.network.delayMs(), 'reply', () => {
      if ('value' in reply) this.outcome.resolve(reply.value);
      else this.outcome.reject(reply.error);
    });
  }

  private listen(signal: AbortSignal): void {
    const giveUp = (): void => {
      this.gaveUp = { reason: signal.reason };
      // Without a barrier a request that is under way must not be left behind by a handler that has returned.
      const { barrier, maxFlightMs } = this.request.shape;
      if (barrier) this.outcome.reject(signal.reason);
      else if (!this.underway) this.process.after(maxFlightMs / 2, 'returns', () => this.outcome.reject(signal.reason));
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  }
}
