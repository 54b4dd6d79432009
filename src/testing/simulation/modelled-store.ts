/**
 * What a PostgreSQL server keeps for the journal that coordinators share, as plain tables in memory: nodes and their leases,
 * shards and their epochs, sagas, records, commands. Each method is what one statement of the journal does, in one
 * transaction, at one moment of the store's own time.
 *
 * Its fault model is that of one server that is asked one thing at a time: no row locks, no snapshots, and no commit that
 * becomes visible late. So what depends on those (`FOR SHARE` in the fence, `settled_1`) is tested on a real server alone.
 */
import type { SagaStatus } from '../../saga/status.ts';

/** A node that takes part, or did. */
interface NodeRow {
  readonly id: number;
  readonly name: string;
  leaseUntil: number;
  joined: boolean;
}

/** A part of all sagas, and who owns it. */
export interface ShardRow {
  readonly id: number;
  owner: number | undefined;
  epoch: number;
}

/** A saga, without its records. */
export interface SagaRow {
  readonly key: number;
  readonly shard: number;
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly createdAt: number;
  updatedAt: number;
  seq: number;
  epoch: number;
  tag: string;
  status: SagaStatus;
  finished: boolean;
  readonly records: StoredRecord[];
}

/** A record as it was written. */
export interface StoredRecord {
  readonly position: number;
  readonly seq: number;
  readonly kind: number;
  readonly at: number;
  readonly step: string;
  readonly body: Uint8Array;
}

/** Something that one node asks another. */
export interface CommandRow {
  readonly id: number;
  readonly asker: number;
  readonly shard: number;
  readonly saga: string;
  readonly body: string;
  answer: string | undefined;
}

/** What is to be written to one saga. */
export interface StoredAppend {
  readonly shard: number;
  readonly epoch: number;
  readonly id: string;
  readonly expectedSeq: number;
  readonly seq: number;
  readonly tag: string;
  readonly status: SagaStatus;
  readonly finished: boolean;
  readonly name: string;
  readonly version: string;
  readonly bornAt: number;
  readonly updatedAt: number;
  readonly records: readonly Omit<StoredRecord, 'position'>[];
}

/** Told of what is written, in the turn in which it is. */
export type StoreWatch = (saga: SagaRow, written: readonly StoredRecord[], epoch: number) => void;

const placesAFlush = 4096;
const beyondWhatMayBeLost = 1_000_000_000;

/** The tables of one journal. */
export class ModelledStore {
  readonly nodes: Map<number, NodeRow> = new Map();
  readonly shards: readonly ShardRow[];
  readonly commands: Map<number, CommandRow> = new Map();
  /** In the order of their first records. */
  private readonly sagas = new Map<string, SagaRow>();
  private readonly now: () => number;
  private readonly watch: StoreWatch;
  private epochs = 0;
  private lastCommand = 0;
  private isPromoted = false;
  position: number = placesAFlush;

  /** @param now the server's time, ms since 1970. */
  constructor(shards: number, now: () => number, watch: StoreWatch = () => undefined) {
    this.shards = Array.from({ length: shards }, (_, id) => ({ id, owner: undefined, epoch: 0 }));
    this.now = now;
    this.watch = watch;
  }

  /** The server's time, in whole ms. */
  get time(): number {
    return Math.floor(this.now());
  }

  /** Another server takes over, which may have lost the latest leases. */
  promote(): void {
    this.isPromoted = true;
  }

  private heedPromotion(): void {
    if (!this.isPromoted) return;
    this.isPromoted = false;
    this.epochs += 1 + beyondWhatMayBeLost;
    this.nodes.clear();
  }

  enlist(name: string, ttlMs: number): number {
    this.heedPromotion();
    for (const node of this.nodes.values()) if (node.name === name) this.nodes.delete(node.id);
    const id = ++this.epochs;
    this.nodes.set(id, { id, name, leaseUntil: this.now() + ttlMs, joined: false });
    return id;
  }

  /** Renews a lease, buries the dead, and takes shards; `undefined` when the lease was over. */
  tend(
    me: number,
    ttlMs: number,
    takes: 'none' | 'share' | 'all',
  ):
    | { readonly nodes: number; readonly share: number; readonly free: number; readonly owned: readonly ShardRow[] }
    | undefined {
    this.heedPromotion();
    const own = this.nodes.get(me);
    if (own === undefined || own.leaseUntil <= this.now()) {
      this.nodes.delete(me);
      return undefined;
    }
    own.leaseUntil = this.now() + ttlMs;
    own.joined = takes !== 'none';
    for (const node of this.nodes.values()) if (node.leaseUntil < this.now()) this.nodes.delete(node.id);
    const nodes = [...this.nodes.values()].filter(({ joined }) => joined).length;
    const total = this.shards.length;
    const share = { none: 0, all: total, share: Math.ceil(total / nodes) }[takes];
    this.take(me, share, takes === 'all');
    const owned = this.shards.filter(({ owner }) => owner === me);
    return { nodes, share, free: this.shards.filter((shard) => this.isFree(shard)).length, owned };
  }

  private take(me: number, share: number, underOwnNumber: boolean): void {
    const mine = this.shards.filter(({ owner }) => owner === me).length;
    const free = this.shards.filter((shard) => this.isFree(shard) && (!underOwnNumber || shard.epoch < me));
    for (const shard of free.slice(0, Math.max(0, share - mine))) {
      shard.owner = me;
      shard.epoch = underOwnNumber ? me : ++this.epochs;
    }
  }

  private isFree({ owner }: ShardRow): boolean {
    return owner === undefined || !this.nodes.has(owner);
  }

  /** Whether somebody owns a shard under this epoch, and his lease is running. */
  isHeld(shard: number, epoch: number): boolean {
    const row = this.shards[shard];
    const owner = row?.owner === undefined ? undefined : this.nodes.get(row.owner);
    return row?.epoch === epoch && owner !== undefined && owner.leaseUntil > this.now();
  }

  release(me: number, released: readonly Pick<ShardRow, 'id' | 'epoch'>[]): void {
    for (const { id, epoch } of released) {
      const shard = this.shards[id];
      if (shard?.owner === me && shard.epoch === epoch) shard.owner = undefined;
    }
  }

  leave(me: number): void {
    this.release(me, this.shards);
    this.nodes.delete(me);
  }

  /** Writes what follows the last record of each saga, of the shards that the writer owns: place and position of each. */
  append(
    me: number,
    appends: readonly StoredAppend[],
  ): readonly { readonly written: number; readonly lands: number }[] {
    this.position += placesAFlush;
    const fenced = new Set(appends.filter((own) => this.isFenced(me, own)).map(({ shard }) => shard));
    const done: { written: number; lands: number }[] = [];
    let next = this.position + 1;
    for (const [written, append] of appends.entries()) {
      const lands = next;
      next += append.records.length;
      const saga = this.rowFor(append, fenced, lands);
      if (saga === undefined) continue;
      const records = append.records.map((record, place) => ({ ...record, position: lands + place }));
      saga.records.push(...records);
      done.push({ written, lands });
      this.watch(saga, records, append.epoch);
    }
    return done;
  }

  private isFenced(me: number, { shard, epoch }: StoredAppend): boolean {
    const row = this.shards[shard];
    return row?.owner === me && row.epoch === epoch;
  }

  /** The row that an append makes or moves; `undefined` when it may not. */
  private rowFor(append: StoredAppend, fenced: ReadonlySet<number>, key: number): SagaRow | undefined {
    const { shard, id, name, version, expectedSeq, bornAt, seq, epoch, tag, status, finished, updatedAt } = append;
    const known = this.find(shard, id);
    if (expectedSeq === 0) {
      if (known !== undefined || (epoch !== 0 && !fenced.has(shard))) return undefined;
      const moved = { seq, epoch, tag, status, finished, updatedAt };
      const row: SagaRow = { key, shard, id, name, version, createdAt: bornAt, ...moved, records: [] };
      this.sagas.set(`${shard}/${id}`, row);
      return row;
    }
    if (known === undefined || !fenced.has(shard) || known.seq !== expectedSeq || known.epoch > epoch) return undefined;
    return Object.assign(known, { seq, epoch, tag, status, finished, updatedAt });
  }

  find(shard: number, id: string): SagaRow | undefined {
    return this.sagas.get(`${shard}/${id}`);
  }

  /** Every saga, oldest first. */
  all(): readonly SagaRow[] {
    return [...this.sagas.values()].toSorted((one, other) => one.key - other.key);
  }

  command(asker: number, shard: number, saga: string, body: string): number {
    const id = ++this.lastCommand;
    this.commands.set(id, { id, asker, shard, saga, body, answer: undefined });
    return id;
  }

  /** Answers a command, if the shard is still the answerer's. */
  answer(me: number, id: number, epoch: number, reply: string): boolean {
    const command = this.commands.get(id);
    const shard = command === undefined ? undefined : this.shards[command.shard];
    if (command === undefined || shard?.owner !== me || shard.epoch !== epoch) return false;
    command.answer ??= reply;
    return true;
  }
}
