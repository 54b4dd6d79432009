import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import { AppendConflictError, type Position } from './journal.ts';
import { isListed, type ListedSaga, type ListQuery } from './list-query.ts';
import { RecordUnreadableError } from './record-codec.ts';
import { type SagaNode, stateOf, summaryOf } from './saga-node.ts';
import { VersionedSlots } from './versioned-slots.ts';

/** A saga's place in the tree. What it holds changes with every durable append; its node never does. */
export interface SagaEntry {
  readonly id: string;
  /** `undefined` until its first append is durable: it is told to nobody before. */
  node: SagaNode | undefined;
  slot: number;
  /** Whether an append is on its way to the disk. */
  pending: boolean;
}

/** Every saga that the journal has in memory, at one position: the live ones with their state. */
export class SagaTree {
  private readonly entries = new Map<string, SagaEntry>();
  private readonly nodes = new VersionedSlots<SagaNode>();
  /** By birth, oldest first; those that left are swept out together. */
  private order: SagaEntry[] = [];

  get(id: string): SagaEntry | undefined {
    return this.entries.get(id);
  }

  /**
   * Claims the place behind the saga's last record for these.
   *
   * @throws {AppendConflictError} when they do not follow it.
   * @throws {RecordUnreadableError} when nobody can tell, because one before them cannot be read.
   */
  claim(id: string, records: readonly SagaRecord[], expectedSeq: number): SagaEntry {
    const known = this.entries.get(id);
    const seq = known?.node?.saga.seq ?? 0;
    const damage = known?.node?.damage;
    if (damage !== undefined) throw new RecordUnreadableError(damage.position, damage.why);
    // An append in flight is there first, whether or not it will become durable.
    if (seq !== expectedSeq || !isDense(records, expectedSeq) || known?.pending === true) {
      throw new AppendConflictError(id, expectedSeq, seq);
    }
    const entry = known ?? this.beginWith(id, records[0]);
    entry.pending = true;
    return entry;
  }

  private beginWith(id: string, record: SagaRecord | undefined): SagaEntry {
    if (record?.type === 'saga-started') return this.begin(id);
    throw new TypeError(`Expected the first record of saga "${id}" to be saga-started, got ${record?.type}`);
  }

  /** A place for a saga that has none; what it is, is confirmed next. */
  begin(id: string): SagaEntry {
    const entry: SagaEntry = { id, node: undefined, slot: -1, pending: false };
    this.entries.set(id, entry);
    this.order.push(entry);
    return entry;
  }

  /** What was claimed is durable: the saga is this from now on. */
  confirm(entry: SagaEntry, node: SagaNode): void {
    entry.pending = false;
    entry.node = node;
    if (entry.slot === -1) entry.slot = this.nodes.add(node);
    else this.nodes.set(entry.slot, node);
  }

  /** What was claimed was refused before it was written. */
  release(entry: SagaEntry): void {
    entry.pending = false;
    if (entry.node !== undefined) return;
    this.remove(entry);
    this.order.splice(this.order.lastIndexOf(entry), 1);
  }

  /** Puts in a saga as it was written down; they come in any order, and `sort` puts them into that of their birth. */
  restore(node: SagaNode): void {
    const { id } = node.saga;
    const entry: SagaEntry = { id, node: undefined, slot: -1, pending: false };
    this.confirm(entry, node);
    this.entries.set(id, entry);
    this.order.push(entry);
  }

  sort(): void {
    this.order.sort((left, right) => (left.node?.birth ?? 0) - (right.node?.birth ?? 0));
  }

  /** Lets go of the finished sagas whose last append stands before a position: they can be found elsewhere. */
  dropFinishedBefore(position: Position): void {
    for (const entry of this.order) {
      const { node } = entry;
      if (node?.saga.finished === true && node.position < position && !entry.pending) this.remove(entry);
    }
    this.order = this.order.filter((entry) => this.entries.get(entry.id) === entry);
  }

  private remove(entry: SagaEntry): void {
    this.entries.delete(entry.id);
    if (entry.slot !== -1) this.nodes.remove(entry.slot);
    entry.node = undefined;
  }

  /** Every saga as it is now, whatever is appended while they are read. */
  snapshot(): Iterable<SagaNode> {
    return this.nodes.snapshot();
  }

  /** The sagas that have not finished, oldest first, with the state they are in. */
  *unfinished(): Generator<SagaState> {
    for (const { node } of this.order.slice()) {
      const state = node === undefined || node.damage !== undefined ? undefined : stateOf(node);
      if (state !== undefined && !state.finished) yield state;
    }
  }

  /** Those with a record that cannot be read. */
  damaged(): readonly SagaEntry[] {
    return this.order.filter(({ node }) => node?.damage !== undefined);
  }

  /** Newest first. */
  list(query: ListQuery): ListedSaga[] {
    const { limit, bornBefore } = query;
    const found: ListedSaga[] = [];
    for (let place = this.placeOf(bornBefore) - 1; place >= 0 && found.length < limit; place--) {
      const node = this.order[place]?.node;
      if (node === undefined || node.birth >= bornBefore) continue;
      if (isListed(query, node.saga)) found.push({ birth: node.birth, summary: summaryOf(node) });
    }
    return found;
  }

  /** The first place whose saga was born at a position or later. Sagas that are not durable yet stand at the end. */
  private placeOf(birth: Position): number {
    let low = 0;
    for (let high = this.order.length; low < high; ) {
      const middle = (low + high) >>> 1;
      const born = this.order[middle]?.node?.birth;
      if (born !== undefined && born < birth) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isDense(records: readonly SagaRecord[], expectedSeq: number): boolean {
  for (let index = 0; index < records.length; index++) {
    if (records[index]?.seq !== expectedSeq + index + 1) return false;
  }
  return true;
}
