import type { MakegoodError } from '../errors.ts';
import { type AdmissionGuard, type Departure, isAdmissionGuard, refused } from './admission.ts';
import { executeAdmitted } from './admitted-call.ts';
import { abortableSignalOf, type Call, type ExecuteOptions } from './call.ts';
import { type Policy, wrapWith } from './policy.ts';

/**
 * What can fuse the admission guards of a list: they bring it with them, so that `retry` need not have it where no guard
 * is used, and a browser need not load it.
 */
export interface Fuser {
  /** @internal */
  fuse(policies: readonly Policy[]): readonly Policy[];
}

/**
 * Several admission guards as one: a call enters them from the outermost to the innermost and leaves the other way round.
 * Where one of them refuses, those already entered are left as `unused`.
 *
 * The tickets of a call lie side by side in one list, and where they begin is the chain's own ticket, so that a call
 * allocates nothing: places are used again.
 */
export class AdmissionChain implements AdmissionGuard, Fuser {
  readonly guards: readonly [AdmissionGuard, ...AdmissionGuard[]];
  private readonly tickets: number[] = [];
  private readonly free: number[] = [];
  private refusedBy: AdmissionGuard;

  constructor(guards: readonly [AdmissionGuard, ...AdmissionGuard[]]) {
    this.guards = guards;
    this.refusedBy = guards[0];
  }

  tryEnter(): number {
    return this.enterEach(false, undefined) as number;
  }

  enter(options?: ExecuteOptions): number | Promise<number> {
    return this.enterEach(true, options);
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

  private enterEach(mayWait: boolean, options: ExecuteOptions | undefined): number | Promise<number> {
    const { guards, tickets } = this;
    const start = this.takePlace();
    for (let index = 0; index < guards.length; index++) {
      const guard = guards[index] as AdmissionGuard;
      const ticket = mayWait ? guard.enter(options) : guard.tryEnter();
      if (typeof ticket !== 'number') return this.waitAndGoOn(start, index, ticket, options);
      if (ticket < 0) return this.refuse(start, index, guard);
      tickets[start + index] = ticket;
    }
    return start;
  }

  refusal(): MakegoodError {
    return this.refusedBy.refusal();
  }

  leave(start: number, departure: Departure, error?: unknown): void {
    this.leaveInner(start, this.guards.length, departure, error);
  }

  wouldRefuse(delayMs: number): boolean {
    return this.guards.some((guard) => guard.wouldRefuse(delayMs));
  }

  private async waitAndGoOn(
    start: number,
    waitingAt: number,
    waiting: Promise<number>,
    options: ExecuteOptions | undefined,
  ): Promise<number> {
    let entered = waitingAt;
    try {
      this.tickets[start + entered] = await waiting;
      for (entered += 1; entered < this.guards.length; entered++) {
        const signal = abortableSignalOf(options);
        if (signal?.aborted === true) throw signal.reason;
        const guard = this.guards[entered] as AdmissionGuard;
        const ticket = guard.enter(options);
        if (ticket === refused) throw guard.refusal();
        this.tickets[start + entered] = typeof ticket === 'number' ? ticket : await ticket;
      }
      return start;
    } catch (error) {
      this.leaveInner(start, entered, 'unused');
      throw error;
    }
  }

  private refuse(start: number, entered: number, guard: AdmissionGuard): number {
    this.refusedBy = guard;
    this.leaveInner(start, entered, 'unused');
    return refused;
  }

  /** Leaves the first `entered` guards, the innermost of them first, and frees the place. */
  private leaveInner(start: number, entered: number, departure: Departure, error?: unknown): void {
    for (let index = entered - 1; index >= 0; index--) {
      (this.guards[index] as AdmissionGuard).leave(this.tickets[start + index] as number, departure, error);
    }
    this.free.push(start);
  }

  private takePlace(): number {
    const place = this.free.pop();
    if (place !== undefined) return place;
    const start = this.tickets.length;
    for (let index = 0; index < this.guards.length; index++) this.tickets.push(refused);
    return start;
  }
}

/** The same policies, with each run of admission guards made one. */
export function fused(policies: readonly Policy[]): readonly Policy[] {
  const layers: Policy[] = [];
  for (const policy of policies) {
    const before = layers.at(-1);
    if (before === undefined || !isAdmissionGuard(before) || !isAdmissionGuard(policy)) layers.push(policy);
    else layers[layers.length - 1] = new AdmissionChain([...linksOf(before), ...linksOf(policy)]);
  }
  return layers;
}

function linksOf(guard: AdmissionGuard): readonly [AdmissionGuard, ...AdmissionGuard[]] {
  return guard instanceof AdmissionChain ? guard.guards : [guard];
}
