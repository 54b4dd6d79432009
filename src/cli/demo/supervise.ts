import { join } from 'node:path';
import type { Clock, TimerHandle } from '../../ports/clock.ts';
import { Child, exitText } from './child-process.ts';
import type { KillPlan } from './kill-plan.ts';
import type { FromCoordinator, FromParticipant, ParticipantConfig } from './messages.ts';
import type { OrderFeed } from './order-feed.ts';
import { type Service, serviceNames } from './participant-call.ts';
import { type FaultCounts, type FaultPlan, wireFaults } from './wire-faults.ts';

/** What a run of the processes needs. */
export interface RunOptions {
  /** Folder for the journal and the participants' files. */
  readonly folder: string;
  readonly feed: OrderFeed;
  readonly killPlan: KillPlan;
  readonly faults: FaultPlan;
  readonly concurrency: number;
  readonly clock: Clock;
  /** Ends the run, and every process, at once. */
  readonly signal: AbortSignal;
  /** Called whenever something has moved. */
  readonly onProgress: (kills: number) => void;
}

/** What the processes did. */
export interface RunCounts {
  readonly kills: number;
  /** Orders that were in flight when the coordinator was killed, over all kills. */
  readonly interrupted: number;
  readonly requests: number;
  readonly faults: FaultCounts;
}

/** The journal's folder within the data folder. */
export function journalPath(folder: string): string {
  return join(folder, 'journal');
}

/** A participant's file within the data folder. */
export function ledgerPath(folder: string, service: Service): string {
  return join(folder, `${service}.sqlite`);
}

/** A running participant, and what it said when it stopped. */
interface Participant {
  readonly service: Service;
  readonly child: Child;
  readonly port: Promise<number>;
  readonly counts: Promise<Extract<FromParticipant, { type: 'stopped' }>>;
}

function startParticipant(service: Service, options: RunOptions): Participant {
  const port = Promise.withResolvers<number>();
  const counts = Promise.withResolvers<Extract<FromParticipant, { type: 'stopped' }>>();
  const config: ParticipantConfig = { service, path: ledgerPath(options.folder, service), faults: options.faults };
  const child = new Child(service, 'participant-main', config, (message: FromParticipant) => {
    if (message.type === 'listening') port.resolve(message.port);
    else counts.resolve(message);
  });
  return { service, child, port: port.promise, counts: counts.promise };
}

/** Rejects when a child ends that was not told to. */
async function unlessItEnds<Value>(promise: Promise<Value>, child: Child): Promise<Value> {
  const ended = child.exited.then((exit): never => {
    throw new Error(`the ${child.name} process ended by itself (${exitText(exit)}); its messages stand above`);
  });
  return Promise.race([promise, ended]);
}

/** Keeps one coordinator running: feeds it, kills it when the plan says so, and starts the next on the same journal. */
class CoordinatorKeeper {
  kills = 0;
  interrupted = 0;
  private readonly options: RunOptions;
  private readonly ports: Readonly<Record<Service, number>>;
  private readonly done = Promise.withResolvers<void>();
  private child: Child | undefined;
  private killing: Promise<void> | undefined;
  /** `undefined` while no kill is due. */
  private killTimer: TimerHandle;
  private stopping = false;

  constructor(options: RunOptions, ports: Readonly<Record<Service, number>>) {
    this.options = options;
    this.ports = ports;
  }

  /** Resolves when every order has ended and every kill has struck; rejects when the coordinator dies by itself. */
  async run(): Promise<void> {
    this.start();
    await this.done.promise;
    this.stopping = true;
    await this.killing;
    await this.child?.stop();
  }

  /** Ends the coordinator at once. */
  async abandon(): Promise<void> {
    this.stopping = true;
    this.options.clock.clearTimer(this.killTimer);
    await this.killing;
    await this.child?.kill();
  }

  private start(): void {
    const { folder, concurrency } = this.options;
    const config = { journal: journalPath(folder), ports: this.ports, concurrency };
    const child = new Child('coordinator', 'coordinator-main', config, (message: FromCoordinator) =>
      this.hear(message, child),
    );
    this.child = child;
    child.exited.then(
      (exit) => {
        if (this.stopping || child !== this.child) return;
        this.done.reject(new Error(`the coordinator ended by itself (${exitText(exit)}); its messages stand above`));
      },
      (error: unknown) => this.done.reject(error),
    );
  }

  private hear(message: FromCoordinator, from: Child): void {
    // A killed coordinator's last words may still be in the channel. They are true, so they count.
    const { feed, clock } = this.options;
    if (message.type === 'progress') {
      feed.accepted(message.accepted);
      feed.ended(message.ended, clock.monotonicMs());
    } else {
      this.send(from, feed.unfinished());
    }
    if (from === this.child) this.send(from, feed.next(clock.monotonicMs()));
    this.options.onProgress(this.kills);
    this.planNext();
  }

  private send(to: Child, orders: ReturnType<OrderFeed['next']>): void {
    if (orders.length > 0) to.send({ type: 'orders', orders });
  }

  private planNext(): void {
    const { feed, killPlan, clock } = this.options;
    const dueAfter = killPlan.afterEnded[this.kills];
    if (dueAfter === undefined) {
      if (feed.isDone) this.done.resolve();
      return;
    }
    if (feed.endedCount < dueAfter || this.killTimer !== undefined) return;
    this.killTimer = clock.setTimer(killPlan.delaysMs[this.kills] ?? 0, () => {
      this.killTimer = undefined;
      this.killing = this.killAndRestart().catch((error: unknown) => this.done.reject(error));
    });
  }

  private async killAndRestart(): Promise<void> {
    const victim = this.child;
    if (this.stopping || victim === undefined) return;
    this.child = undefined;
    this.kills++;
    await victim.kill();
    this.interrupted += this.options.feed.unfinished().length;
    if (!this.stopping) this.start();
  }
}

/**
 * Runs all orders through the processes: three participants, and one coordinator at a time.
 *
 * @throws the signal's reason when it is aborted; an Error when a process ends that was not told to. Either way no
 *   process is left.
 */
export async function superviseRun(options: RunOptions): Promise<RunCounts> {
  const participants = serviceNames.map((service) => startParticipant(service, options));
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(options.signal.reason);
  options.signal.addEventListener('abort', abort, { once: true });
  let keeper: CoordinatorKeeper | undefined;
  let over = false;
  try {
    options.signal.throwIfAborted();
    const work = (async () => {
      const ports = await portsOf(participants);
      // Interrupted in this very moment: what would be started now, nobody would end.
      if (over) return;
      keeper = new CoordinatorKeeper(options, ports);
      await keeper.run();
    })();
    const watched = participants.reduce((promise, { child }) => unlessItEnds(promise, child), work);
    await Promise.race([aborted.promise, watched]);
    const counts = await Promise.all(participants.map(stopParticipant));
    return { kills: keeper?.kills ?? 0, interrupted: keeper?.interrupted ?? 0, ...sumCounts(counts) };
  } finally {
    over = true;
    options.signal.removeEventListener('abort', abort);
    await Promise.all([keeper?.abandon(), ...participants.map(({ child }) => child.kill())]);
  }
}

async function portsOf(participants: readonly Participant[]): Promise<Record<Service, number>> {
  const entries = participants.map(
    async ({ service, port, child }) => [service, await unlessItEnds(port, child)] as const,
  );
  return Object.fromEntries(await Promise.all(entries)) as Record<Service, number>;
}

async function stopParticipant({ child, counts }: Participant): Promise<Extract<FromParticipant, { type: 'stopped' }>> {
  await child.stop();
  return unlessItEnds(counts, child);
}

function sumCounts(
  counts: readonly Extract<FromParticipant, { type: 'stopped' }>[],
): Pick<RunCounts, 'requests' | 'faults'> {
  const faults = { reset: 0, unavailable: 0, 'reply-lost': 0, 'timed-out': 0, slow: 0 };
  let requests = 0;
  for (const count of counts) {
    requests += count.requests;
    for (const kind of wireFaults) faults[kind] += count.faults[kind];
  }
  return { requests, faults };
}
