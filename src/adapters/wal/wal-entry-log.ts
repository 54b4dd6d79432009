/**
 * What the entry log writes. The log's own fields carry the key (`txId`) and the entry's type (`stepId`); the payload is
 * text, `codec …`:
 *
 * - kind 220, head, first of a log and of a checkpoint: `codec purpose`
 * - kind 221, entry: `codec json`
 *
 * A checkpoint holds the head and the entries that the owner calls live. No kind is one of the saga journal's.
 */
import { RecordUnreadableError } from '../../journal/record-codec.ts';
import type { EntryLog, EntryOwner, LogEntry } from '../../ports/entry-log.ts';
import { notify } from '../../ports/notify.ts';
import type { Observer } from '../../ports/observer.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { OwnerCheckpoints } from '../../wal/owner-checkpoints.ts';
import type { Wal } from '../../wal/segmented-wal.ts';
import { openWal } from '../../wal/wal.ts';
import { WalClosedError } from '../../wal/wal-errors.ts';
import type { WalEvent } from '../../wal/wal-events.ts';
import type { WalOptions } from '../../wal/wal-options.ts';
import type { WalEntry, WalRecord } from '../../wal/wal-record.ts';
import type { WalStoreEvent } from './wal-store-events.ts';

const codec = '1';
const kinds = { head: 220, entry: 221 } as const;

/** Options of {@link walEntryLog}: those of the log, and what it is for. */
export interface WalEntryLogOptions extends Omit<WalOptions, 'onRecord' | 'onCheckpoint' | 'observer'> {
  /** Is told what the log tells, and `entry-log.checkpoint-failed`. Default nobody. */
  readonly observer?: Observer<WalEvent | WalStoreEvent>;
  /** What the entries are; a folder that was made for another purpose is refused. */
  readonly purpose: string;
  /** After so many bytes of log, or as many as are live if those are more, it is cut short. Default 16 MiB. */
  readonly checkpointBytes?: number;
}

const defaults = Object.freeze({ checkpointBytes: 16 * 1024 * 1024, segmentBytes: 16 * 1024 * 1024 });
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class WalEntryLog<Entry extends LogEntry> implements EntryLog<Entry> {
  private readonly path: string;
  private readonly options: WalEntryLogOptions;
  private opening: Promise<Wal> | undefined;
  private owner: EntryOwner<Entry> | undefined;
  private wal: Wal | undefined;
  private checkpoints: OwnerCheckpoints | undefined;
  private closing: Promise<void> | undefined;

  constructor(path: string, options: WalEntryLogOptions) {
    this.path = path;
    this.options = options;
  }

  async recover(owner: EntryOwner<Entry>): Promise<void> {
    if (this.opening !== undefined) throw new TypeError('Expected an entry log to be recovered once');
    if (this.closing !== undefined) throw new WalClosedError(this.path);
    this.owner = owner;
    let records = 0;
    const note = (record: WalRecord): void => {
      records++;
      const entry = this.decode(record);
      if (entry !== undefined) owner.apply(entry);
    };
    const { checkpointBytes = defaults.checkpointBytes, clock = systemClock, observer } = this.options;
    this.opening = openWal(this.path, { ...defaults, ...this.options, onRecord: note, onCheckpoint: note });
    const wal = await this.opening;
    if (records === 0) await wal.append([this.head()]);
    const onFailure = (error: unknown): void => notify(observer, { type: 'entry-log.checkpoint-failed', error });
    this.checkpoints = new OwnerCheckpoints(wal, () => this.live(owner), { checkpointBytes, clock, onFailure });
    this.wal = wal;
  }

  append(entries: readonly Entry[]): Promise<void> {
    const { wal, owner } = this;
    return new Promise((resolve, reject) => {
      if (this.closing !== undefined) throw new WalClosedError(this.path);
      if (wal === undefined || owner === undefined) throw new TypeError('Expected an entry log to be recovered first');
      // Applied in the turn in which the log says that they are durable, so that a checkpoint never misses one.
      wal.appendWith(
        entries.map((entry) => this.encode(entry)),
        {
          resolve: (lsn) => {
            for (const entry of entries) owner.apply(entry);
            this.checkpoints?.noteAppend(lsn);
            resolve();
          },
          reject,
        },
      );
    });
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async finish(): Promise<void> {
    const wal = await this.opening;
    await this.checkpoints?.finish();
    await wal?.close();
  }

  /** Fixed in this turn: what is appended while a checkpoint is written follows it in the log. */
  private live(owner: EntryOwner<Entry>): readonly WalEntry[] {
    return [this.head(), ...Array.from(owner.live(), (entry) => this.encode(entry))];
  }

  private head(): WalEntry {
    return { ...this.frame(kinds.head, ''), payload: `${codec} ${this.options.purpose}` };
  }

  private encode(entry: Entry): WalEntry {
    return { ...this.frame(kinds.entry, entry.key), stepId: entry.type, payload: `${codec} ${JSON.stringify(entry)}` };
  }

  private frame(kind: number, txId: string): Omit<WalEntry, 'payload'> {
    return { kind, state: 0, timestamp: (this.options.clock ?? systemClock).now(), txId, stepId: '' };
  }

  /** @throws {RecordUnreadableError} when it is none of this log's. */
  private decode({ lsn, kind, payload }: WalRecord): Entry | undefined {
    try {
      const text = decoder.decode(payload);
      const [version, rest] = [text.slice(0, text.indexOf(' ')), text.slice(text.indexOf(' ') + 1)];
      if (version !== codec) throw new SyntaxError(`codec "${version.slice(0, 20)}" is not known`);
      if (kind === kinds.entry) return JSON.parse(rest) as Entry;
      if (kind !== kinds.head) throw new SyntaxError(`unknown kind ${kind}`);
      if (rest === this.options.purpose) return undefined;
      throw new SyntaxError(`the folder was made for "${rest}", not for "${this.options.purpose}"`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RecordUnreadableError(lsn, `it is no entry of this log, ${why}`, { cause: error });
    }
  }
}

/**
 * An entry log in a folder of this machine, in the write-ahead log: what was appended survives a crash and a power
 * failure. One process at a time.
 *
 * The folder is opened by its owner (`recover`), with the errors of `openWal`. The log is cut short every
 * `checkpointBytes` and at closing.
 *
 * @param path the folder, made when it is not there; not that of a journal.
 * @param options.purpose what the entries are, such as `'causal-delivery'`. Required.
 * @example
 * const { mkdtemp } = await import('node:fs/promises');
 * const path = await mkdtemp('/tmp/makegood-');
 * const before = walEntryLog(path, { purpose: 'notes' });
 * await before.recover({ apply: () => undefined, live: () => [{ type: 'noted', key: 'order-1' }] });
 * await before.append([{ type: 'noted', key: 'order-1' }]);
 * await before.close();
 * const seen: string[] = [];
 * await using after = walEntryLog(path, { purpose: 'notes' });
 * await after.recover({ apply: (entry) => void seen.push(entry.key), live: () => [] });
 * seen // => ['order-1']
 */
export function walEntryLog<Entry extends LogEntry>(path: string, options: WalEntryLogOptions): EntryLog<Entry> {
  if (typeof options?.purpose !== 'string' || options.purpose === '')
    throw new TypeError('Expected purpose of an entry log to be text');
  return new WalEntryLog<Entry>(path, options);
}
