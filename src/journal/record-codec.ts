/**
 * Saga records as entries of the write-ahead log.
 *
 * The log's own fields carry what it can search without us: saga id, step, kind, state, timestamp. The payload is text:
 * `codec link seq epoch attempt json`, where `json` holds what is left of the record and is empty when nothing is.
 * `link` stands in the first record of an append: the position of the saga's append before, or 0 when there is none, so
 * that a history is read backwards without an index of it. The other records of an append have `-`.
 * A number of a kind or state is never given a second meaning.
 */
import { MakegoodError } from '../errors.ts';
import { freezeJson } from '../saga/json-value.ts';
import type { SagaRecord, SagaRecordData, SagaRecordType } from '../saga/record.ts';
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import { interned } from './interned.ts';

const codecVersion = 1;

// State of the step, or of the saga where no step is named, after the record.
const states = {
  none: 0,
  pending: 1,
  running: 2,
  confirmed: 3,
  failed: 4,
  unknown: 5,
  compensating: 6,
  compensated: 7,
  needsHuman: 8,
  completed: 9,
  skipped: 10,
  waiting: 11,
  terminated: 12,
} as const;

const kinds: { readonly [Type in SagaRecordType]: { readonly kind: number; readonly state: number } } = {
  'saga-started': { kind: 1, state: states.pending },
  'step-started': { kind: 2, state: states.running },
  'step-confirmed': { kind: 3, state: states.confirmed },
  'attempt-failed': { kind: 4, state: states.running },
  'step-failed': { kind: 5, state: states.failed },
  'step-unknown': { kind: 6, state: states.unknown },
  'step-settled': { kind: 7, state: states.none },
  'saga-compensating': { kind: 8, state: states.compensating },
  'compensation-started': { kind: 9, state: states.compensating },
  'compensation-attempt-failed': { kind: 10, state: states.compensating },
  'step-compensated': { kind: 11, state: states.compensated },
  escalated: { kind: 12, state: states.needsHuman },
  'saga-completed': { kind: 13, state: states.completed },
  'saga-compensated': { kind: 14, state: states.compensated },
  'saga-waiting': { kind: 15, state: states.waiting },
  'step-skipped': { kind: 16, state: states.skipped },
  'step-waiting': { kind: 17, state: states.waiting },
  'signal-received': { kind: 18, state: states.none },
  'items-listed': { kind: 19, state: states.running },
  'attempt-in-progress': { kind: 20, state: states.running },
  'step-polled': { kind: 21, state: states.running },
  'attempt-postponed': { kind: 22, state: states.none },
  'probe-started': { kind: 23, state: states.unknown },
  'probe-failed': { kind: 24, state: states.unknown },
  'probe-answered': { kind: 25, state: states.none },
  'human-decided': { kind: 26, state: states.none },
  'saga-held': { kind: 27, state: states.waiting },
  'saga-migrated': { kind: 28, state: states.none },
  'saga-terminated': { kind: 29, state: states.terminated },
  'saga-closed': { kind: 30, state: states.terminated },
  'deadline-renewed': { kind: 31, state: states.none },
  'saga-deleted': { kind: 32, state: states.none },
};

// Which records name an attempt, 0 included: of a step that was confirmed without a call.
const attempted: { readonly [Type in Extract<SagaRecord, { readonly attempt: number }>['type']]: true } = {
  'step-started': true,
  'attempt-in-progress': true,
  'step-polled': true,
  'attempt-postponed': true,
  'step-confirmed': true,
  'attempt-failed': true,
  'step-failed': true,
  'step-unknown': true,
  'probe-started': true,
  'probe-failed': true,
  'probe-answered': true,
  'compensation-started': true,
  'compensation-attempt-failed': true,
  'step-compensated': true,
};

const typeOfKind = new Map(Object.entries(kinds).map(([type, { kind }]) => [kind, type]));

/** Thrown when a log holds a record that this version cannot read: written by a newer one, or not by makegood. */
export class RecordUnreadableError extends MakegoodError {
  /** Position of the record in the log. */
  readonly position: number;
  readonly why: string;

  constructor(position: number, why: string, options?: ErrorOptions) {
    super(
      'MAKEGOOD_RECORD_UNREADABLE',
      `record at ${position} cannot be read: ${why}; open the log with the version that wrote it`,
      options,
    );
    this.position = position;
    this.why = why;
  }
}

function restOf(record: SagaRecord): string {
  switch (record.type) {
    case 'step-started':
      return record.pin === undefined ? '' : restOfAny(record);
    case 'compensation-started':
    case 'probe-started':
    case 'step-compensated':
    case 'step-settled':
    case 'step-skipped':
    case 'saga-waiting':
    case 'saga-compensated':
      return '';
    case 'attempt-failed': {
      const { failure, effect, crashed, delayMs, retryAt, settleAt } = record;
      return JSON.stringify({ failure, effect, crashed, delayMs, retryAt, settleAt });
    }
    case 'step-confirmed':
      // Every second record there is, so its text is put together; a saga's start is written out below.
      return record.settleAt === undefined ? `{"output":${JSON.stringify(record.output)}}` : restOfAny(record);
    case 'saga-started': {
      const { name, version, definition, steps, input, headers, deadlineAt, parent, run, plan } = record;
      return JSON.stringify({ name, version, definition, steps, input, headers, deadlineAt, parent, run, plan });
    }
    default:
      return restOfAny(record);
  }
}

function restOfAny(record: SagaRecord): string {
  const { seq: _seq, epoch: _epoch, timestamp: _timestamp, type: _type, ...data } = record;
  return JSON.stringify({ ...data, step: undefined, attempt: undefined });
}

// Above are the records of other stores on the log, and what a journal says of itself.
const kindsOfSagas = 200;

/**
 * Whether an entry is no record of a saga at all, of this version or any: then the log is none of a journal.
 *
 * @internal
 */
export function isForeign({ kind, txId }: WalRecord): boolean {
  return kind >= kindsOfSagas || txId === '';
}

/**
 * The link of a record that cannot be read, as far as that is to be had; `undefined` also where it has none.
 *
 * @internal
 */
export function linkOf({ payload }: WalRecord): number | undefined {
  try {
    const head = new HeadBytes(payload);
    return head.integer() !== codecVersion || head.dash() ? undefined : head.integer();
  } catch {
    return undefined;
  }
}

/** A record, and the link to the saga's append before: 0 for its first, `undefined` behind the first of an append. */
export interface LinkedRecord {
  readonly record: SagaRecord;
  readonly link: number | undefined;
}

// The head of a record behind the first of its append is the same in every saga of an epoch; making it anew of its numbers
// would cost as much as all the rest of a short record.
const [seqsKept, attemptsKept] = [64, 8];
let headsOf = -1;
let heads: string[] = [];

function headOf(seq: number, epoch: number, attempt: number): string {
  if (seq >= seqsKept || attempt >= attemptsKept) return `${seq} ${epoch} ${attempt} `;
  if (epoch !== headsOf) [headsOf, heads] = [epoch, []];
  return (heads[seq * attemptsKept + attempt] ??= `${seq} ${epoch} ${attempt} `);
}

/**
 * A record as the log keeps it.
 *
 * @internal
 */
export function encodeRecord(sagaId: string, record: SagaRecord, link: number | undefined): WalEntry {
  const { kind, state } = kinds[record.type];
  const step = 'step' in record ? (record.step ?? '') : '';
  const attempt = 'attempt' in record ? record.attempt : 0;
  const start = link === undefined ? `${codecVersion} - ` : `${codecVersion} ${link} `;
  const payload = start + headOf(record.seq, record.epoch, attempt) + restOf(record);
  return { kind, state, timestamp: record.timestamp, txId: sagaId, stepId: step, payload };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads the words of a payload's head, one after the other; a regular expression would cost as much as the rest. */
export class HeadReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The next word, which a space ends. */
  word(): string {
    const end = this.text.indexOf(' ', this.at);
    if (end === -1) throw new SyntaxError('its head ends early');
    const word = this.text.slice(this.at, end);
    this.at = end + 1;
    return word;
  }

  integer(): number {
    const word = this.word();
    const value = Number(word);
    if (word === '' || !Number.isSafeInteger(value) || value < 0) throw new SyntaxError(`"${word}" is no count`);
    return value;
  }

  rest(): string {
    return this.text.slice(this.at);
  }
}

/** Reads the numbers of a record's head where they stand: most records are nothing but a head. */
class HeadBytes {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Whether a lone dash stands there; it is passed. */
  dash(): boolean {
    const { bytes, at } = this;
    const found = bytes[at] === 45 && bytes[at + 1] === 32;
    if (found) this.at += 2;
    return found;
  }

  /** A number of digits, which a space ends. */
  integer(): number {
    const { bytes, at: from } = this;
    let value = 0;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === 32 && at > from && value <= Number.MAX_SAFE_INTEGER) {
        this.at = at + 1;
        return value;
      }
      if (byte < 48 || byte > 57)
        throw new SyntaxError(`"${decoder.decode(bytes.subarray(from, at + 1))}" is no count`);
      value = value * 10 + (byte - 48);
    }
    throw new SyntaxError('its head ends early');
  }
}

// What is the same in every saga of a definition, once for all of them.
function shareNames(
  data: { -readonly [Key in keyof SagaRecordData['saga-started']]: SagaRecordData['saga-started'][Key] },
): void {
  data.name = interned(data.name);
  data.version = interned(data.version);
  data.definition = interned(data.definition);
  data.steps = data.steps.map(interned);
}

function decodePayload({ payload, timestamp, stepId: step }: WalRecord, type: string): LinkedRecord {
  const head = new HeadBytes(payload);
  const codec = head.integer();
  if (codec !== codecVersion) throw new SyntaxError(`codec "${codec}" is not known`);
  const link = head.dash() ? undefined : head.integer();
  const seq = head.integer();
  const epoch = head.integer();
  const attempt = head.integer();
  // Written out by shape: these are the records of a whole log.
  let record: object;
  if (step === '') record = { seq, epoch, timestamp, type };
  else if (!(type in attempted)) record = { seq, epoch, timestamp, type, step };
  else record = { seq, epoch, timestamp, type, step, attempt };
  if (head.at < payload.length) record = { ...record, ...dataOf(payload.subarray(head.at), type) };
  return { record: record as SagaRecord, link };
}

function dataOf(json: Uint8Array, type: string): object {
  const data = JSON.parse(decoder.decode(json)) as SagaRecordData['saga-started'];
  if (type === 'saga-started') shareNames(data);
  for (const value of Object.values(data)) freezeJson(value);
  return data;
}

/**
 * A record as the log gave it back.
 *
 * @throws {RecordUnreadableError} when its kind or its payload is not of this version.
 * @internal
 */
export function decodeRecord(entry: WalRecord): LinkedRecord {
  const type = typeOfKind.get(entry.kind);
  if (type === undefined) throw new RecordUnreadableError(entry.lsn, `unknown kind ${entry.kind}`);
  try {
    return decodePayload(entry, type);
  } catch (error) {
    throw new RecordUnreadableError(entry.lsn, error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}
