import {
  AppendConflictError,
  type PlacedRecord,
  type Position,
  type SagaFilter,
  type SagaPage,
  SagaPurgedError,
} from '../journal/journal.ts';
import { isListed, listQuery } from '../journal/list-query.ts';
import { uniqueId } from '../ports/random.ts';
import type { ControlCommand, SagaCommand } from '../saga/command.ts';
import { RestartRefusedError, SagaEndedError, SagaNotFoundError } from '../saga/control-errors.ts';
import type { Saga, SagaDefinition, WaitStep } from '../saga/definition.ts';
import { type JsonValue, sameJson } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import type { SagaRecord } from '../saga/record.ts';
import { isTerminal } from '../saga/status.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { type SagaView, viewOf } from '../saga/view.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { AttentionDesk } from './attention.ts';
import { checkTargets } from './check-targets.ts';
import { deleteEnded } from './delete-ended.ts';
import { Fleet, type FleetParts } from './fleet.ts';
import { allowedMs, nextRun, whyNot } from './next-run.ts';
import { SagaBlockedError, SagaConflictError } from './saga-errors.ts';
import { handleOfEnded, handleOfRun, type SagaHandle } from './saga-handle.ts';
import { checkHeaders, checkInput, checkPayload, inputOf } from './saga-input.ts';
import type { SagaRun } from './saga-run.ts';
import type {
  CancelOptions,
  DeleteOptions,
  RestartAsNewOptions,
  SagaList,
  SagaListFilter,
  SagaListItem,
  StartOptions,
  Tempo,
  TerminateOptions,
} from './tempo.ts';

/** What a coordinator is made of, resolved and checked. */
export interface CoordinatorParts extends FleetParts {
  readonly realertMs: number;
}

type StartCommand = Extract<SagaCommand, { readonly type: 'start' }>;

/** The coordinator: what can be asked of it, carried to the fleet of sagas that it drives. */
export class Coordinator implements Tempo {
  readonly attention: AttentionDesk;
  readonly policies: FleetParts['policies'];
  private readonly parts: CoordinatorParts;
  private readonly fleet: Fleet;
  /** Definitions that sagas brought along whose targets may be called. */
  private readonly checked = new WeakSet<SagaDefinition>();
  private closing: Promise<void> | undefined;

  constructor(parts: CoordinatorParts) {
    this.parts = parts;
    this.policies = parts.policies;
    this.fleet = new Fleet(parts);
    const { clock, observer, realertMs } = parts;
    this.attention = new AttentionDesk(clock, observer, realertMs, (id, command) => this.command(id, command));
    this.fleet.attention = this.attention;
  }

  recover(): Promise<void> {
    return this.fleet.recover();
  }

  async start<Input, Output>(saga: Saga<Input, Output>, options: StartOptions<Input>): Promise<SagaHandle<Output>> {
    this.parts.registry.check(saga);
    if (saga.plan !== undefined) this.checkPlanned(saga);
    const id = options.id === undefined ? uniqueId() : checkName(options.id, 'saga id');
    const deadlineMs = options.deadline === undefined ? undefined : toMs(options.deadline, 'deadline');
    const headers = options.headers === undefined ? undefined : checkHeaders(options.headers);
    const input = saga.inputSchema === undefined ? inputOf(saga, options.input) : await checkInput(saga, options.input);
    const { allowReuse } = options;
    return await this.accept<Output>(id, saga, { type: 'start', input, headers, deadlineMs, allowReuse });
  }

  /** A saga that brings its own definition was not looked at when the coordinator was opened. */
  private checkPlanned(saga: SagaDefinition): void {
    if (this.checked.has(saga)) return;
    checkTargets(saga, this.parts.caller);
    this.checked.add(saga);
  }

  /** Has a saga of this id, once: the one that is there already, if it is the same request. */
  private async accept<Output>(id: string, saga: SagaDefinition, command: StartCommand): Promise<SagaHandle<Output>> {
    const { input } = command;
    const rival = this.fleet.runOf(id);
    if (rival === undefined) this.fleet.refuseWhenClosed(`saga "${id}" was not started`);
    const run = rival ?? this.fleet.add(id, saga);
    if (rival === undefined) run.send(command);
    // The journal decides whether an id is new: it refuses a first record where one stands already.
    if (!(await this.isAccepted(run))) return this.findEnded<Output>(id, saga, input);
    if (rival !== undefined && run.state !== undefined) refuseOtherRequest(run.state, saga, input);
    return handleOfRun(run, rival === undefined);
  }

  async restartAsNew<Input, Output>(
    id: string,
    { saga, input, headers, deadline }: RestartAsNewOptions<Input, Output> = {},
  ): Promise<SagaHandle<Output>> {
    if (saga !== undefined) this.parts.registry.check(saga);
    const state = this.fleet.runOf(id)?.state ?? (await this.fleet.read(id));
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    const run = nextRun(state);
    const definition = saga ?? this.parts.registry.definitionOf(state);
    if (definition?.name !== state.name) throw new RestartRefusedError(id, whyNot(state, definition));
    // What the definition at hand has checked once is not checked, and perhaps changed, a second time.
    const again = saga === undefined && input === undefined;
    return await this.accept<Output>(`${run.of}@${run.number}`, definition, {
      type: 'start',
      input: again ? state.input : await checkInput(definition, input ?? state.input),
      headers: headers === undefined ? state.headers : checkHeaders(headers),
      deadlineMs: deadline === undefined ? allowedMs(state) : toMs(deadline, 'deadline'),
      run,
    });
  }

  /** Whether a run is that of a saga: not so when it was to start one that the journal has already. */
  private async isAccepted(run: SagaRun): Promise<boolean> {
    try {
      await run.whenAccepted;
      return true;
    } catch (error) {
      if (this.fleet.runOf(run.id) === run) this.fleet.runs.delete(run.id);
      if (error instanceof AppendConflictError) return false;
      throw error;
    }
  }

  /** The handle of a saga that the journal has and nobody drives, when this is the request it was started with. */
  private async findEnded<Output>(id: string, saga: SagaDefinition, input: JsonValue): Promise<SagaHandle<Output>> {
    const records = await this.parts.journal.read(id);
    const state = foldRecords(id, records);
    if (state?.status === 'deleted') throw new SagaPurgedError(id, state.updatedAt);
    if (state !== undefined) refuseOtherRequest(state, saga, input);
    return handleOfEnded(id, records);
  }

  async get(id: string): Promise<SagaView | undefined> {
    const run = this.fleet.runOf(id);
    const state = run?.state ?? (await this.fleet.read(id));
    if (state === undefined || state.status === 'deleted') return undefined;
    return run === undefined ? viewOf(state) : { ...viewOf(state), status: statusOf(run, state) };
  }

  async list({ status, step, ...filter }: SagaListFilter = {}): Promise<SagaList> {
    if (step !== undefined) return this.listRuns(filter, (run, state) => isAt(state, step) && has(run, state, status));
    if (status === 'blocked') return this.listRuns(filter, (run, state) => statusOf(run, state) === 'blocked');
    const page: SagaPage = await this.parts.journal.list({ ...filter, status });
    const items = page.items.flatMap((item): readonly SagaListItem[] => {
      const run = this.fleet.runOf(item.id);
      if (run?.state !== undefined) return [{ ...item, status: statusOf(run, run.state) }];
      return isShown(item) ? [item] : [];
    });
    return { ...page, items: status === undefined ? items : items.filter((item) => item.status === status) };
  }

  /** Sagas of which only those who drive them know: unfinished, and such. */
  private listRuns(filter: SagaFilter, isSuch: (run: SagaRun, state: SagaState) => boolean): SagaList {
    const query = listQuery({ ...filter, status: undefined });
    const { limit } = query;
    const found = [...this.fleet.runs.values()]
      .flatMap((run) => (run.state !== undefined && isSuch(run, run.state) ? [{ run, state: run.state }] : []))
      .filter(({ state }) => isListed(query, state))
      .toSorted((left, right) => right.state.createdAt - left.state.createdAt);
    const start = Number(filter.cursor ?? 0);
    // A query asks for one more than its page shows.
    const end = start + limit - 1;
    const items = found.slice(start, end).map(({ run, state }) => itemOf(run, state));
    return end < found.length ? { items, nextCursor: String(end) } : { items };
  }

  async history(id: string): Promise<readonly SagaRecord[]> {
    return (await this.placedHistory(id)).map(({ record }) => record);
  }

  async placedHistory(id: string): Promise<readonly PlacedRecord[]> {
    const history = await this.parts.journal.history(id);
    return history.at(-1)?.record.type === 'saga-deleted' ? [] : history;
  }

  recordsAfter(position: Position): AsyncIterable<PlacedRecord> {
    return this.parts.journal.after(position);
  }

  cancel(id: string, { reason }: CancelOptions = {}): Promise<SagaView> {
    return this.command(id, { type: 'cancel', reason });
  }

  terminate(id: string, { reason, by }: TerminateOptions = {}): Promise<SagaView> {
    return this.command(id, { type: 'terminate', reason, by });
  }

  async signal(id: string, name: string, payload?: unknown): Promise<void> {
    const { definition } = await this.runToAsk(id);
    const step = definition.steps.find((own): own is WaitStep => own.kind === 'wait' && own.name === name);
    await this.command(id, { type: 'signal', name, payload: await checkPayload(name, step?.schema, payload) });
  }

  async renew(id: string, deadline: Duration): Promise<SagaView> {
    const deadlineMs = toMs(deadline, 'deadline');
    const parent = (await this.runToAsk(id)).state?.parent;
    const atMost = parent === undefined ? undefined : this.fleet.runOf(parent.id)?.state?.deadlineAt;
    return await this.command(id, { type: 'renew', deadlineMs, atMost });
  }

  async delete(id: string, { by }: DeleteOptions = {}): Promise<void> {
    const run = this.fleet.runOf(id);
    // Whoever deletes a terminated saga has looked after it, or does not mean to.
    if (run?.state?.status === 'terminated')
      await this.attention.resolve(id, null, { by: by ?? 'nobody', note: 'deleted' });
    const state = run?.state ?? (await this.fleet.read(id));
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    this.fleet.refuseWhenClosed(`saga "${id}" was not deleted`);
    await deleteEnded(this.parts, state, by);
  }

  register(saga: SagaDefinition): void {
    const { registry, caller } = this.parts;
    checkTargets(saga, caller);
    registry.add(saga);
    try {
      this.fleet.refuseStranded(this.fleet.runs.values());
    } catch (error) {
      registry.remove(saga);
      throw error;
    }
    this.fleet.unblock();
  }

  async migrate(id: string, to: SagaDefinition): Promise<SagaView> {
    this.parts.registry.check(to);
    return await this.command(id, { type: 'migrate', to });
  }

  /** Carries a control command to a saga, and shows what came of it. */
  private async command(id: string, command: ControlCommand): Promise<SagaView> {
    const run = await this.runToAsk(id);
    const needsDefinition = command.type === 'cancel' || command.type === 'signal' || command.type === 'human';
    if (run.blocked && needsDefinition) throw new SagaBlockedError(id, definitionName(run.state));
    return viewOf(await run.ask(command));
  }

  /** The run of an unfinished saga; throws when it has ended, or was never there. */
  private async runToAsk(id: string): Promise<SagaRun> {
    const run = this.fleet.runOf(id);
    if (run !== undefined && (await this.isAccepted(run))) return run;
    const state = await this.fleet.read(id);
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    this.fleet.refuseWhenClosed(`nothing was asked of saga "${id}"`);
    throw new SagaEndedError(id, state.status);
  }

  drain(): Promise<void> {
    return this.fleet.drain();
  }

  close(): Promise<void> {
    this.closing ??= this.fleet.close();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function definitionName(state: SagaState | undefined): string {
  return `${state?.name}@${state?.version}`;
}

function isShown(item: SagaPage['items'][number]): item is SagaPage['items'][number] & SagaListItem {
  return item.status !== 'deleted';
}

function statusOf({ blocked }: SagaRun, { status }: SagaState): SagaListItem['status'] {
  // One that was terminated waits for a person, and for no definition.
  return blocked && !isTerminal(status) ? 'blocked' : (status as SagaListItem['status']);
}

function has(run: SagaRun, state: SagaState, status: SagaListItem['status'] | undefined): boolean {
  return status === undefined || statusOf(run, state) === status;
}

const idleSteps: ReadonlySet<string> = new Set(['pending', 'confirmed', 'compensated', 'skipped']);

/** Whether the saga is at a step: something of it goes on, or has gone wrong. */
function isAt({ steps }: SagaState, name: string): boolean {
  return steps.some((step) => step.name === name && !idleSteps.has(step.status));
}

function itemOf(run: SagaRun, state: SagaState): SagaListItem {
  const { id, name, version, createdAt, updatedAt } = state;
  return { id, name, version, status: statusOf(run, state), createdAt, updatedAt };
}

function refuseOtherRequest(state: SagaState, saga: SagaDefinition, input: JsonValue): void {
  if (state.name !== saga.name) throw new SagaConflictError(state.id, `name, "${state.name}"`);
  if (state.version !== saga.version) throw new SagaConflictError(state.id, `version, "${state.version}"`);
  if (!sameJson(state.plan ?? null, saga.plan ?? null)) throw new SagaConflictError(state.id, 'steps');
  if (state.plan === undefined && state.definition !== saga.hash)
    throw new SagaConflictError(state.id, 'structure under the same version');
  if (!sameJson(state.input, input)) throw new SagaConflictError(state.id, 'input');
}
