/**
 * Saga-first calls in processes that die, on a disk that outlives them. A process is its store: everything it does next
 * needs a record first, so a store that answers no more is a process that is dead.
 */
import {
  type Compensations,
  openCompensator,
  openWalSagaFirstStore,
  type OperationCall,
  type SagaFirst,
  sagaFirst,
  type SagaFirstDraft,
  type SagaFirstRecord,
  type SagaFirstState,
  type SagaFirstStore,
  type SagaFirstWrite,
} from '../../src/saga-first/index.ts';
import {
  memoryFiles,
  type MemoryFiles,
  type ScriptedParticipant,
  scriptedParticipant,
  type ScriptedParticipantOptions,
  seededRandom,
  type TestClock,
  testClock,
} from '../../src/testing/index.ts';

type RecordType = SagaFirstRecord['type'];

/** Where a process dies: at the n-th write of a kind of record, before or after it is durable. */
export interface Death {
  readonly record: RecordType;
  readonly durable: boolean;
  readonly nth?: number;
}

const never = new Promise<never>(() => undefined);

/** A store that dies, and its process with it. */
export class MortalStore implements SagaFirstStore {
  dead = false;
  readonly written: RecordType[] = [];
  private readonly inner: SagaFirstStore;
  private readonly clock: TestClock;
  private readonly death: Death | undefined;

  constructor(inner: SagaFirstStore, clock: TestClock, death?: Death) {
    this.inner = inner;
    this.clock = clock;
    this.death = death;
  }

  register(id: string, registration: Parameters<SagaFirstStore['register']>[1]): Promise<SagaFirstWrite> {
    return this.write('registered', () => this.inner.register(id, registration));
  }

  append(id: string, draft: SagaFirstDraft, expectedSeq: number): Promise<SagaFirstWrite> {
    return this.write(draft.type, () => this.inner.append(id, draft, expectedSeq));
  }

  read(id: string): ReturnType<SagaFirstStore['read']> {
    return this.alive(() => this.inner.read(id));
  }

  list(filter: Parameters<SagaFirstStore['list']>[0]): ReturnType<SagaFirstStore['list']> {
    return this.alive(() => this.inner.list(filter));
  }

  close(): Promise<void> {
    this.dead = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async write(type: RecordType, act: () => Promise<SagaFirstWrite>): Promise<SagaFirstWrite> {
    const { record, durable = true, nth = 1 } = this.death ?? {};
    const dies = record === type && this.written.filter((each) => each === type).length + 1 === nth;
    if (dies && !durable) this.dead = true;
    const written = await this.alive(act);
    this.written.push(type);
    if (dies) this.dead = true;
    return this.dead ? never : written;
  }

  private async alive<Value>(act: () => Promise<Value>): Promise<Value> {
    if (this.dead) return never;
    const value = await this.clock.holdWhile(act());
    return this.dead ? never : value;
  }
}

/** What was found when everything had come to rest. */
export interface Aftermath {
  readonly statuses: Readonly<Record<string, SagaFirstState['status']>>;
  readonly attention: readonly string[];
  /** Records written by the processes that recovered. */
  readonly written: readonly RecordType[];
}

/** A disk, a bank that remembers, and the processes one after the other. */
export class MortalWorld {
  readonly clock: TestClock = testClock();
  readonly bank: ScriptedParticipant;
  readonly files: MemoryFiles;
  /** The process that runs, or ran last. */
  process: MortalStore | undefined;
  private readonly probes: boolean;

  constructor(script: ScriptedParticipantOptions = {}, { probes = false, seed = 1 } = {}) {
    this.bank = scriptedParticipant({ ...script, clock: this.clock });
    this.files = memoryFiles({ random: seededRandom(seed) });
    this.probes = probes;
  }

  /** Starts a process on what the disk has kept. */
  async start(death?: Death): Promise<SagaFirst> {
    const { clock, files } = this;
    const opening = openWalSagaFirstStore('steps', { files, clock, segmentBytes: 16_384, random: seededRandom(2) });
    this.process = new MortalStore(await clock.holdWhile(opening), clock, death);
    return sagaFirst({ store: this.process, compensations: this.compensations, clock, random: seededRandom(3) });
  }

  /** What the process does when it is asked to charge; `die` ends it in the middle. */
  charge(calls: SagaFirst, id: string, die?: 'before the call' | 'after the call'): Promise<unknown> {
    const process = this.running;
    const operation = async (call: OperationCall): Promise<unknown> => {
      if (die === 'before the call') process.dead = true;
      if (process.dead) return never;
      const reply = await this.bank.action(call);
      if (die === 'after the call') process.dead = true;
      return process.dead ? never : reply;
    };
    const outcome = calls.run(operation, { name: 'refund', args: { id } }, { id });
    outcome.catch(() => undefined);
    return outcome;
  }

  /** The process is gone, whatever it was at, and the power too. */
  crash(): void {
    // None has come up yet when the power failed while the log was opened.
    if (this.process !== undefined) this.process.dead = true;
    this.files.crash();
  }

  /** Another process takes over and works for two minutes; `client` is what the client asks of it again. */
  async recover(client?: (calls: SagaFirst) => Promise<unknown>): Promise<Aftermath> {
    this.crash();
    const calls = await this.start();
    const store = this.running;
    await using compensator = openCompensator({ store, compensations: this.compensations, clock: this.clock });
    const asked = client?.(calls).catch((error: unknown) => error);
    await this.clock.advance(120_000);
    await asked;
    const statuses = [
      'registered',
      'confirmed',
      'triggered',
      'needs-human',
      'compensated',
      'noop',
      'resolved',
      'released',
    ] as const;
    const { items } = await store.list({ statuses });
    const attention = (await compensator.attention.list()).map(({ id }) => id);
    return {
      statuses: Object.fromEntries(items.map(({ id, status }) => [id, status])),
      attention,
      written: store.written,
    };
  }

  get running(): MortalStore {
    if (this.process === undefined) throw new TypeError('Expected a process to be started first');
    return this.process;
  }

  private get compensations(): Compensations {
    const { bank } = this;
    const compensate = async (call: Parameters<ScriptedParticipant['compensation']>[0]): Promise<void> => {
      const process = this.running;
      await bank.compensation(call);
      if (process.dead) await never;
    };
    if (!this.probes) return { refund: { compensate } };
    const probe = async ({ operationKey }: { operationKey: string }) => ({
      applied: await bank.status({ idempotencyKey: operationKey }),
    });
    return { refund: { compensate, probe } };
  }
}
