import type {
  CompensationRegistration,
  SagaFirstDraft,
  SagaFirstRecord,
} from '../saga/saga-first/saga-first-record.ts';
import {
  applySagaFirst,
  isClosed,
  mayFollow,
  type SagaFirstState,
  type SagaFirstStatus,
} from '../saga/saga-first/saga-first-state.ts';
import { type Duration, toMs } from '../time/duration.ts';
import {
  limitOf,
  refuseOtherRegistration,
  type SagaFirstFilter,
  type SagaFirstPage,
  type SagaFirstSnapshot,
  type SagaFirstStore,
  SagaFirstStoreClosedError,
  type SagaFirstWrite,
} from './saga-first-store.ts';

const openStatuses: ReadonlySet<SagaFirstStatus> = new Set(['registered', 'triggered', 'needs-human']);

/** A store that has every step in memory; where the records are is left to the kinds of it. One process writes. */
export abstract class TableStore implements SagaFirstStore {
  private readonly states: Map<string, SagaFirstState>;
  /** Those that someone still looks for: few, where the closed ones are all there ever were. */
  private readonly open = new Map<string, SagaFirstState>();
  /** Those that are only remembered, the one that was closed first in front. */
  private readonly closed = new Map<string, number>();
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly retentionMs: number;
  private closing: Promise<void> | undefined;

  constructor(states: Map<string, SagaFirstState>, retention: Duration) {
    this.retentionMs = toMs(retention, 'retention', { allowInfinity: true });
    this.states = states;
    for (const state of [...states.values()].sort((left, right) => left.changedAt - right.changedAt)) this.note(state);
  }

  /** What is remembered now: as long as no write is on its way, all that is durable. */
  protected remembered(): readonly SagaFirstState[] {
    this.forgetOld(this.now());
    return [...this.states.values()];
  }

  protected abstract now(): number;
  /** Resolves when the record is durable. */
  protected abstract persist(id: string, record: SagaFirstRecord): Promise<void>;
  /** Lets go of what the store holds. */
  protected abstract release(): Promise<void>;

  register(id: string, registration: CompensationRegistration): Promise<SagaFirstWrite> {
    return this.inTurn(id, async () => {
      const state = this.states.get(id);
      if (state === undefined) return this.write(id, undefined, { type: 'registered', ...registration });
      refuseOtherRegistration(state, registration);
      return { won: false, state, now: this.now() };
    });
  }

  append(id: string, draft: SagaFirstDraft, expectedSeq: number): Promise<SagaFirstWrite> {
    return this.inTurn(id, async () => {
      const state = this.states.get(id);
      if (state === undefined) throw new TypeError(`Expected "${id}" to be registered, got no such step`);
      if (state.seq !== expectedSeq || !mayFollow(state, draft.type)) return { won: false, state, now: this.now() };
      return this.write(id, state, draft);
    });
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async read(id: string): Promise<SagaFirstSnapshot | undefined> {
    this.guard();
    const state = this.states.get(id);
    return state === undefined ? undefined : { state, now: this.now() };
  }

  // oxlint-disable-next-line typescript/require-await -- as above
  async list(filter: SagaFirstFilter): Promise<SagaFirstPage> {
    this.guard();
    const { statuses, after = '' } = filter;
    const among = statuses.every((status) => openStatuses.has(status)) ? this.open : this.states;
    const found = [...among.values()].filter(({ id, status }) => id > after && statuses.includes(status));
    const ordered = found.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    return { items: ordered.slice(0, limitOf(filter)), now: this.now() };
  }

  close(): Promise<void> {
    // What was begun is noted first: whoever writes down the whole must not miss what is durable.
    this.closing ??= Promise.allSettled(this.turns.values()).then(() => this.release());
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async write(id: string, before: SagaFirstState | undefined, draft: SagaFirstDraft): Promise<SagaFirstWrite> {
    const now = this.now();
    const record: SagaFirstRecord = { ...draft, seq: (before?.seq ?? 0) + 1, at: now };
    const state = applySagaFirst(id, before, record);
    await this.persist(id, record);
    this.note(state);
    return { won: true, state, now };
  }

  private note(state: SagaFirstState): void {
    this.states.set(state.id, state);
    if (openStatuses.has(state.status)) this.open.set(state.id, state);
    else this.open.delete(state.id);
    if (isClosed(state.status)) this.closed.set(state.id, state.changedAt);
  }

  /** Forgets what has been closed for longer than it is to be remembered; costs nothing where there is none. */
  private forgetOld(now: number): void {
    for (const [id, closedAt] of this.closed) {
      if (now - closedAt < this.retentionMs) return;
      this.closed.delete(id);
      this.states.delete(id);
    }
  }

  /** One write of a step at a time: the next one sees what this one made durable, or that it could not. */
  private inTurn<Value>(id: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.turns.get(id) ?? Promise.resolve();
    const turn = before.then(() => {
      this.guard();
      return work();
    });
    const settled = turn.then(ignore, ignore).then(() => {
      if (this.turns.get(id) === settled) this.turns.delete(id);
    });
    this.turns.set(id, settled);
    return turn;
  }

  /** Refuses after close, and forgets what is too old. */
  private guard(): void {
    if (this.closing !== undefined) throw new SagaFirstStoreClosedError();
    this.forgetOld(this.now());
  }
}

function ignore(): void {}
