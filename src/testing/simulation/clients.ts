/**
 * Clients of a coordinator, on machines of their own: sagas come at random times and in bursts, whatever has become of
 * those before. Whoever gets no answer asks again with the same id until there is one, as a client must.
 */
import { retry } from '../../retry/retry.ts';
import { constant } from '../../backoff/constant.ts';
import { isMakegoodError } from '../../errors.ts';
import type { SeededRandom } from '../../ports/random.ts';
import type { WaitStep } from '../../saga/definition.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { burstRatio, type Load } from './swarm.ts';
import { Violation } from './violation.ts';
import type { Life, World } from './world.ts';

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const answerWithinMs = 5000;

/** What a coordinator answers when it has none to give, or is going: to be asked again. */
const again: ReadonlySet<string> = new Set([
  'MAKEGOOD_TEMPO_CLOSED',
  'MAKEGOOD_WAL_FAILED',
  'MAKEGOOD_WAL_CLOSED',
  'MAKEGOOD_JOURNAL_CLOSED',
  'MAKEGOOD_JOURNAL_FULL',
  'MAKEGOOD_WAL_OVERLOADED',
  'MAKEGOOD_WAL_READ_FAILED',
]);

/** Whether an error says that the same may succeed later. */
export function isPassing(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return error instanceof NoAnswer || code === 'EIO' || (typeof code === 'string' && again.has(code));
}

/** Everybody who asks something of the coordinator from outside. */
export class Clients {
  private readonly world: World;
  private readonly load: Load;
  private readonly random: SeededRandom;
  /** The machine that clients run on; it does not die. */
  private readonly machine: SimulatedProcess;
  private sagas = 0;
  private open = true;

  constructor(world: World) {
    this.world = world;
    this.load = world.swarm.load;
    this.random = world.random.split('clients');
    this.machine = new SimulatedProcess(world.kernel, 0, { skewMs: 0, rate: 1 });
  }

  /** Lets sagas come until `stop`. */
  begin(): void {
    if (!this.open) return;
    const { perMinute, burst } = this.load;
    const many = burst > 1 && this.random() < burstRatio ? burst : 1;
    for (let place = 0; place < many; place++) this.arrive();
    const gapMs = (-Math.log(1 - this.random()) * 60_000) / perMinute;
    this.machine.after(gapMs, 'arrival', () => this.begin());
  }

  stop(): void {
    this.open = false;
  }

  /** One more saga comes, with all that its client will ever ask about it. */
  arrive(): void {
    const { load, random, world } = this;
    const id = `s${++this.sagas}`;
    const names = world.shapes.map(({ name }) => name).filter((name) => name.startsWith('saga'));
    const name = names[Math.floor(random() * names.length)] as string;
    const input = { id, payload: 'x'.repeat(Math.floor(random() * load.payloadBytes)) };
    this.insist(() => this.start(id, name, input));
    if (random() < load.twiceRatio) this.later(random() * 20_000, () => this.start(id, name, input));
    if (random() < load.twiceRatio / 4) this.later(random() * 20_000, () => this.startOther(id, name));
    if (random() < load.cancelRatio) this.later(random() * 20_000, () => this.cancel(id));
    if (random() < load.terminateRatio) this.later(random() * 20_000, () => this.terminate(id));
    if (random() < load.readRatio) this.later(random() * 60_000, () => this.look(id));
    this.signalWaits(id, name);
  }

  /** Every wait of the saga is sent its signal some time, too late perhaps, or twice, or never where it need not be. */
  private signalWaits(id: string, name: string): void {
    const { random } = this;
    const stages = this.world.shapes.find((shape) => shape.name === name)?.stages ?? [];
    for (const stage of stages) {
      if (stage.kind !== 'wait' || (stage.timeoutMs !== undefined && random() < 0.2)) continue;
      const send = (): Promise<void> => this.signal(id, stage.name, 'go');
      this.later(random() * (random() < 0.5 ? 1000 : 400_000), send);
      if (random() < 0.2) this.later(random() * 400_000, send);
      if (random() < 0.2) this.later(random() * 400_000, () => this.signal(id, stage.name, 'other'));
    }
  }

  private later(delayMs: number, work: () => Promise<void>): void {
    this.machine.after(delayMs, 'client', () => this.insist(work));
  }

  /** Asks until there is an answer. */
  private insist(work: () => Promise<void>): void {
    const { clock } = this.machine;
    const { random } = this;
    const waits = constant('2s', { jitter: 'full' });
    retry(work, { maxAttempts: 100_000, backoff: waits, retryable: isPassing, clock, random }).catch((error: unknown) =>
      this.world.kernel.fail(error),
    );
  }

  /** One request to the coordinator: it may be lost on its way, and its answer too. */
  private request<Value>(ask: (life: Life) => Promise<Value>): Promise<Value> {
    const { faults, kernel } = this.world;
    const answer = Promise.withResolvers<Value>();
    const timer = kernel.after(answerWithinMs, 'gives-up', () => answer.reject(new NoAnswer('no answer in time')));
    const isLost = faults.strikes('client-request-lost') !== undefined;
    const isMute = faults.strikes('client-reply-lost') !== undefined;
    kernel.after(1 + this.random() * 20, 'asks', () => {
      const { life } = this.world;
      if (isLost || life === undefined) return;
      life.process.after(0, 'asked', () => {
        const reply = (settle: () => void): void => {
          if (isMute || !life.process.alive) return;
          kernel.after(1 + this.random() * 20, 'answered', () => {
            kernel.cancel(timer);
            settle();
          });
        };
        ask(life).then(
          (value) => reply(() => answer.resolve(value)),
          (error: unknown) => reply(() => answer.reject(error)),
        );
      });
    });
    return answer.promise;
  }

  private async start(
    id: string,
    name: string,
    input: { readonly id: string; readonly payload: string },
  ): Promise<void> {
    const accepted = await this.refusable(['MAKEGOOD_SAGA_PURGED'], (life) => {
      const saga = life.sagas.get(name);
      return saga === undefined ? Promise.reject(new NoAnswer('not here')) : life.tempo.start(saga, { id, input });
    });
    if (accepted) this.world.judge.promised(id);
  }

  /** The same id for something else must be refused once it is taken. */
  private async startOther(id: string, name: string): Promise<void> {
    const known = this.world.judge.statusOf(id) !== undefined;
    if (!known) return;
    const accepted = await this.refusable(['MAKEGOOD_SAGA_PURGED', 'MAKEGOOD_SAGA_CONFLICT'], (life) => {
      const saga = life.sagas.get(name);
      const input = { id, payload: 'another' };
      return saga === undefined ? Promise.reject(new NoAnswer('not here')) : life.tempo.start(saga, { id, input });
    });
    if (accepted) throw new Violation('I3b one start an id', 'another request was accepted under its id', id);
  }

  private async cancel(id: string): Promise<void> {
    const may = [
      'MAKEGOOD_SAGA_NOT_FOUND',
      'MAKEGOOD_SAGA_ENDED',
      'MAKEGOOD_PAST_PIVOT',
      'MAKEGOOD_SAGA_BLOCKED',
      'MAKEGOOD_SAGA_PURGED',
    ];
    await this.refusable(may, ({ tempo }) => tempo.cancel(id, { reason: 'changed my mind' }));
  }

  private async terminate(id: string): Promise<void> {
    const may = ['MAKEGOOD_SAGA_NOT_FOUND', 'MAKEGOOD_SAGA_ENDED', 'MAKEGOOD_SAGA_PURGED'];
    await this.refusable(may, ({ tempo }) => tempo.terminate(id, { by: 'a client' }));
  }

  private async signal(id: string, name: WaitStep['name'], payload: string): Promise<void> {
    // A saga that is not there yet will be, as long as its client insists.
    if (this.world.judge.statusOf(id) === undefined) throw new NoAnswer('not yet');
    const may = ['MAKEGOOD_SAGA_ENDED', 'MAKEGOOD_SIGNAL_REFUSED', 'MAKEGOOD_SAGA_BLOCKED', 'MAKEGOOD_SAGA_NOT_FOUND'];
    await this.refusable(may, ({ tempo }) => tempo.signal(id, name, payload));
  }

  private async look(id: string): Promise<void> {
    const known = this.world.judge.statusOf(id);
    const view = await this.request(({ tempo }) => tempo.get(id));
    const mayBePurged =
      known === undefined || known === 'completed' || known === 'compensated' || known === 'terminated';
    if (view === undefined && !mayBePurged)
      throw new Violation('I3 acknowledged means kept', `it was ${known}, and is not found`, id);
  }

  /** Whether a request is granted, rather than refused for one of these reasons. */
  private async refusable(may: readonly string[], ask: (life: Life) => Promise<unknown>): Promise<boolean> {
    try {
      await this.request(ask);
      return true;
    } catch (error) {
      if (may.some((code) => isMakegoodError(error, code as Parameters<typeof isMakegoodError>[1]))) return false;
      throw error;
    }
  }
}
