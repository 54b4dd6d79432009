/**
 * Clients of a coordinator, on machines of their own: sagas come at random times and in bursts, whatever has become of
 * those before. Whoever gets no answer asks again with the same id until there is one, as a client must.
 */
import { retry } from '../../retry/retry.ts';
import { constant } from '../../backoff/constant.ts';
import { isMakegoodError } from '../../errors.ts';
import type { SeededRandom } from '../../ports/random.ts';
import type { WaitStep } from '../../saga/definition.ts';
import type { JsonValue } from '../../saga/json-value.ts';
import type { SagaView } from '../../saga/view.ts';
import type { SagaHandle } from '../../tempo/saga-handle.ts';
import type { SimulatedInput } from './build-saga.ts';
import { sightOfRecords, sightOfView } from './control-history.ts';
import type { ControlInput, ControlOutput } from './control-model.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { burstRatio, type Load } from './swarm.ts';
import { Violation } from './violation.ts';
import type { Life, PeopledWorld } from './peopled-world.ts';

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
  'MAKEGOOD_OWNER_SILENT',
  'MAKEGOOD_SHARD_LOST',
  'MAKEGOOD_POSTGRES_SILENT',
]);

/** Whether an error says that the same may succeed later. */
export function isPassing(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return (
    error instanceof NoAnswer ||
    code === 'EIO' ||
    code === 'ECONNRESET' ||
    (typeof code === 'string' && again.has(code))
  );
}

const done: ControlOutput = { kind: 'done' };

function shown(view: SagaView | undefined): ControlOutput {
  return view === undefined ? { kind: 'nothing' } : sightOfView(view);
}

/** Everybody who asks something of the coordinator from outside. */
export class Clients {
  private readonly world: PeopledWorld;
  private readonly load: Load;
  private readonly random: SeededRandom;
  private readonly readers: SeededRandom;
  /** The machine that clients run on; it does not die. */
  private readonly machine: SimulatedProcess;
  private sagas = 0;
  private requests = 0;
  private open = true;

  constructor(world: PeopledWorld) {
    this.world = world;
    this.load = world.swarm.load;
    this.random = world.random.split('clients');
    this.readers = world.random.split('readers');
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
    this.readersOf(id);
  }

  /** Some sagas are looked at by several readers, at much the same time. */
  private readersOf(id: string): void {
    const { readers } = this;
    if (readers() > 0.2) return;
    const fromMs = readers() ** 2 * 30_000;
    for (let count = 2 + Math.floor(readers() * 4); count > 0; count--) {
      const reads = readers() < 0.5 ? (): Promise<void> => this.look(id) : (): Promise<void> => this.lookBack(id);
      this.later(fromMs + readers() * 500, reads);
    }
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

  /** A request about a saga, as whoever judges the answers follows it. */
  private tell<Value>(
    id: string,
    input: ControlInput,
    ask: (life: Life) => Promise<Value>,
    outputOf: (value: Value) => ControlOutput,
  ): Promise<Value> {
    const client = `client ${++this.requests}`;
    const told = this.world.history.follow(id, client, input, this.request(ask), outputOf);
    // Whoever was told that something is done looks at it, now and then.
    const looksAfter = input.kind !== 'look' && this.readers() < 0.2;
    return told.finally(() => looksAfter && this.later(this.readers() * 5, () => this.look(id)));
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

  private async start(id: string, name: string, input: SimulatedInput): Promise<void> {
    const accepted = await this.refusable(['MAKEGOOD_SAGA_PURGED'], () => this.askToStart(id, name, input));
    if (accepted) this.world.judge.promised(id);
  }

  private askToStart(id: string, name: string, input: SimulatedInput): Promise<unknown> {
    const ask = (life: Life): Promise<SagaHandle<JsonValue>> => {
      const saga = life.sagas.get(name);
      return saga === undefined ? Promise.reject(new NoAnswer('not here')) : life.tempo.start(saga, { id, input });
    };
    const request = input.payload === 'another' ? 'another' : 'its own';
    return this.tell(id, { kind: 'start', request }, ask, ({ created }) => ({ kind: created ? 'created' : 'found' }));
  }

  /** The same id for something else must be refused once it is taken. */
  private async startOther(id: string, name: string): Promise<void> {
    const known = this.world.judge.statusOf(id) !== undefined;
    if (!known) return;
    const accepted = await this.refusable(['MAKEGOOD_SAGA_PURGED', 'MAKEGOOD_SAGA_CONFLICT'], () =>
      this.askToStart(id, name, { id, payload: 'another' }),
    );
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
    await this.refusable(may, () =>
      this.tell(id, { kind: 'cancel' }, ({ tempo }) => tempo.cancel(id, { reason: 'changed my mind' }), shown),
    );
  }

  private async terminate(id: string): Promise<void> {
    const may = ['MAKEGOOD_SAGA_NOT_FOUND', 'MAKEGOOD_SAGA_ENDED', 'MAKEGOOD_SAGA_PURGED'];
    await this.refusable(may, () =>
      this.tell(id, { kind: 'terminate' }, ({ tempo }) => tempo.terminate(id, { by: 'a client' }), shown),
    );
  }

  private async signal(id: string, name: WaitStep['name'], payload: string): Promise<void> {
    // A saga that is not there yet will be, as long as its client insists.
    if (this.world.judge.statusOf(id) === undefined) throw new NoAnswer('not yet');
    const may = ['MAKEGOOD_SAGA_ENDED', 'MAKEGOOD_SIGNAL_REFUSED', 'MAKEGOOD_SAGA_BLOCKED', 'MAKEGOOD_SAGA_NOT_FOUND'];
    await this.refusable(may, () =>
      this.tell(
        id,
        { kind: 'signal', name, payload },
        ({ tempo }) => tempo.signal(id, name, payload),
        () => done,
      ),
    );
  }

  private async look(id: string): Promise<void> {
    const known = this.world.judge.statusOf(id);
    const view = await this.tell(id, { kind: 'look' }, ({ tempo }) => tempo.get(id), shown);
    const mayBePurged =
      known === undefined || known === 'completed' || known === 'compensated' || known === 'terminated';
    if (view === undefined && !mayBePurged)
      throw new Violation('I3 acknowledged means kept', `it was ${known}, and is not found`, id);
  }

  private async lookBack(id: string): Promise<void> {
    await this.tell(
      id,
      { kind: 'look' },
      ({ tempo }) => tempo.history(id),
      (records) => sightOfRecords(id, records),
    );
  }

  /** Whether a request is granted, rather than refused for one of these reasons. */
  private async refusable(may: readonly string[], ask: () => Promise<unknown>): Promise<boolean> {
    try {
      await ask();
      return true;
    } catch (error) {
      if (may.some((code) => isMakegoodError(error, code as Parameters<typeof isMakegoodError>[1]))) return false;
      throw error;
    }
  }
}
