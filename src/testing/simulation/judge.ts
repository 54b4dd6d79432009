/**
 * Who knows what must be true, outside of what is tested: what the journal must hold, what participants did, what clients
 * were told. Throws a {@link Violation} in the turn in which something is not as it must be.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Journal } from '../../journal/journal.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { SagaRecord } from '../../saga/record.ts';
import { isHeld, type SagaState } from '../../saga/state.ts';
import { callShapes } from './build-saga.ts';
import { checkEnd } from './end-laws.ts';
import type { Kernel } from './kernel.ts';
import type { JournalWatch } from './observed-journal.ts';
import type { OutsideWorld } from './outside-world.ts';
import type { Request } from './participants.ts';
import { isSettled } from '../../tempo/settle-listener.ts';
import { takeRecord } from './record-laws.ts';
import { type Issue, SagaTrack } from './saga-track.ts';
import type { CallShape, SagaShape } from './shape.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { Violation } from './violation.ts';

// By then everything that was sent has arrived: the slowest call takes a minute, the longest settling time less.
const quietAfterMs = 150_000;

/** What happened in a run, counted. */
export interface Counts {
  started: number;
  completed: number;
  compensated: number;
  terminated: number;
  records: number;
  calls: number;
  recoveries: number;
}

/** The judge of one world. */
export class Judge implements JournalWatch {
  readonly tracks: Map<string, SagaTrack> = new Map();
  /** How sagas ended of which nothing more can come. */
  readonly ended: Map<string, SagaState['status']> = new Map();
  readonly counts: Counts = {
    started: 0,
    completed: 0,
    compensated: 0,
    terminated: 0,
    records: 0,
    calls: 0,
    recoveries: 0,
  };
  private readonly kernel: Kernel;
  private readonly world: OutsideWorld;
  private readonly shapes: ReadonlyMap<string, SagaShape>;
  private readonly callsOf: ReadonlyMap<string, ReadonlyMap<string, CallShape>>;
  private readonly definitions: ReadonlyMap<string, SagaDefinition>;
  /** Given to the journal, and not known to be durable or refused. */
  private readonly inDoubt = new Set<Issue>();
  private issues = 0;

  constructor(
    kernel: Kernel,
    world: OutsideWorld,
    shapes: readonly SagaShape[],
    definitions: ReadonlyMap<string, SagaDefinition>,
  ) {
    this.kernel = kernel;
    this.world = world;
    this.shapes = new Map(shapes.map((shape) => [shape.name, shape]));
    this.callsOf = new Map(shapes.map((shape) => [shape.name, callShapes(shape)]));
    this.definitions = definitions;
  }

  /** What is known of a saga. */
  statusOf(id: string): SagaState['status'] | undefined {
    return this.ended.get(id) ?? this.tracks.get(id)?.state?.status;
  }

  /** A saga that has neither ended nor waits for a person. */
  unsettled(): SagaTrack | undefined {
    for (const track of this.tracks.values())
      if (track.state !== undefined && !isSettled(track.state) && !isHeld(track.state)) return track;
    return undefined;
  }

  issued(sagaId: string, records: readonly SagaRecord[]): Issue {
    const [first] = records;
    if (first?.type === 'saga-started' && !this.tracks.has(sagaId)) this.track(sagaId, first.name);
    const issue = { sagaId, records, order: this.issues++ };
    this.inDoubt.add(issue);
    return issue;
  }

  private track(id: string, name: string): void {
    const shape = this.shapes.get(name);
    const calls = this.callsOf.get(name);
    const definition = this.definitions.get(name);
    if (shape === undefined || calls === undefined || definition === undefined)
      throw new Violation('I16 a saga keeps its version', `no saga "${name}" was drawn`, id);
    this.tracks.set(id, new SagaTrack(id, shape, calls, definition));
  }

  durable(issue: Issue): void {
    this.inDoubt.delete(issue);
    const { sagaId, records } = issue;
    const track = this.tracks.get(sagaId);
    if (track === undefined || this.ended.has(sagaId))
      throw new Violation('I3b one start an id', `"${records[0]?.type}" is durable after its end`, sagaId);
    for (const record of records) this.take(track, record);
    track.movedAt = this.kernel.now;
  }

  private take(track: SagaTrack, record: SagaRecord): void {
    if (this.kernel.chronicle !== undefined) this.kernel.tell(track.id, 'coordinator', 'journal', describe(record));
    takeRecord(track, record);
    this.counts.records++;
    this.kernel.trace.addText(record.type);
    if (record.type === 'saga-started') this.counts.started++;
    const { state } = track;
    if (record.type === 'saga-terminated') this.counts.terminated++;
    if (state?.finished !== true) return;
    if (state.status === 'completed') this.counts.completed++;
    if (state.status === 'compensated') this.counts.compensated++;
    checkEnd(track, state, this.world);
    this.kernel.after(quietAfterMs, 'judged', () => this.bury(track, state));
  }

  /** Nothing of it can be on its way any more: looks once more, and forgets it. */
  private bury(track: SagaTrack, state: SagaState): void {
    checkEnd(track, state, this.world);
    this.ended.set(track.id, state.status);
    this.tracks.delete(track.id);
    this.world.forget(track.id);
  }

  refused(issue: Issue): void {
    this.inDoubt.delete(issue);
    this.forgetUnborn(issue.sagaId);
  }

  private forgetUnborn(sagaId: string): void {
    if (this.tracks.get(sagaId)?.state !== undefined) return;
    for (const issue of this.inDoubt) if (issue.sagaId === sagaId) return;
    this.tracks.delete(sagaId);
  }

  async recovered(states: readonly SagaState[], journal: Journal): Promise<void> {
    this.counts.recoveries++;
    const found = new Map(states.map((state) => [state.id, state]));
    await this.settleDoubts(found, journal);
    for (const track of this.tracks.values()) this.checkRecovered(track, found.get(track.id));
    for (const { id } of states) {
      if (!this.tracks.has(id))
        throw new Violation(
          'I11 the log is a prefix with all that was acknowledged',
          'recovered, and never written',
          id,
        );
    }
  }

  /** What a process had in hand when it died: the log holds it, or not, in the order in which it was given. */
  private async settleDoubts(found: ReadonlyMap<string, SagaState>, journal: Journal): Promise<void> {
    let lost: Issue | undefined;
    for (const issue of [...this.inDoubt].toSorted((one, other) => one.order - other.order)) {
      const { sagaId, records } = issue;
      // A second start of a saga that is there already was on its way to be refused.
      const isRepeated = (records[0]?.seq ?? 0) <= (this.tracks.get(sagaId)?.seq ?? 0);
      if (isRepeated || this.ended.has(sagaId)) {
        this.inDoubt.delete(issue);
        continue;
      }
      const seq = (found.get(sagaId) ?? (await journal.state(sagaId)))?.seq ?? 0;
      const kept = records.filter((record) => record.seq <= seq).length;
      const law = 'I11 the log is a prefix with all that was acknowledged';
      if (kept > 0 && kept < records.length) throw new Violation(law, 'half of an append is in the log', sagaId);
      // A first record may wait for the archive to be searched, and be overtaken.
      if (kept > 0 && lost !== undefined) throw new Violation(law, `kept, and one given before it is lost`, sagaId);
      if (kept === 0 && records[0]?.seq !== 1) lost = issue;
      this.inDoubt.delete(issue);
      const track = this.tracks.get(sagaId);
      if (kept > 0 && track !== undefined) for (const record of records) this.take(track, record);
      this.forgetUnborn(sagaId);
    }
  }

  private checkRecovered(track: SagaTrack, state: SagaState | undefined): void {
    const { state: known, id } = track;
    if (known === undefined || known.finished) return;
    const law = 'I11 the log is a prefix with all that was acknowledged';
    if (state === undefined)
      throw new Violation(law, `acknowledged up to record ${known.seq}, and not among the unfinished`, id);
    if (state.seq !== known.seq)
      throw new Violation(law, `acknowledged up to record ${known.seq}, and recovered up to ${state.seq}`, id);
    // All of it in a few sagas: comparing whole states costs as much as a saga's whole life.
    if (known.seq % 16 === 0 && !isDeepStrictEqual(plain(state), plain(known)))
      throw new Violation('I10 only legal records', 'recovered in another state than its records lead to', id);
  }

  /** A request is about to leave a process. */
  sending({ sagaId, step, phase, attempt }: Request, process: SimulatedProcess): void {
    this.counts.calls++;
    this.kernel.tell(sagaId, 'coordinator', 'network', `${phase} ${step} #${attempt}`);
    if (!process.alive) throw new Violation('I4 recorded before it is sent', 'a dead process makes a call', sagaId);
    const state = this.tracks.get(sagaId)?.state;
    const own = state?.steps.find(({ name }) => name === step);
    if (state === undefined || own === undefined)
      throw new Violation('I4 recorded before it is sent', `"${step}" is called, and its saga is not recorded`, sagaId);
    const call = { action: own.action, compensation: own.compensation, status: own.probe }[phase];
    if (!call.open || call.attempts !== attempt)
      throw new Violation('I4 recorded before it is sent', `${phase} of "${step}", attempt ${attempt}`, sagaId);
    if (phase === 'action' && state.reason !== undefined)
      throw new Violation('I6 no action after deadline or cancel', `"${step}" is called while undoing`, sagaId);
    if (phase !== 'action' && own.action.attempts === 0)
      throw new Violation('I4b undone only after it was begun', `"${step}" was never called`, sagaId);
  }

  /** A record is shown to somebody: it must be durable by now. */
  seen(sagaId: string, seq: number): void {
    const track = this.tracks.get(sagaId);
    if (this.ended.has(sagaId) || (track !== undefined && track.seq >= seq)) return;
    throw new Violation('I12 nothing is seen before it is durable', `record ${seq} is shown`, sagaId);
  }

  /** A client is told that its saga is accepted. */
  promised(sagaId: string): void {
    if (this.ended.has(sagaId)) return;
    const track = this.tracks.get(sagaId);
    if (track?.state === undefined)
      throw new Violation('I3 acknowledged means kept', 'accepted, and not recorded', sagaId);
    track.promised = true;
  }
}

function describe(record: SagaRecord): string {
  const { type } = record;
  const step = 'step' in record && record.step !== undefined ? ` ${record.step}` : '';
  const attempt = 'attempt' in record ? ` #${record.attempt}` : '';
  const why = 'failure' in record && record.failure !== undefined ? `: ${record.failure.code}` : '';
  return `${type}${step}${attempt}${why}`;
}

function plain(state: SagaState): unknown {
  return JSON.parse(JSON.stringify(state)) as unknown;
}
