import { type PlacedRecord, type Position, type SagaPage, SagaPurgedError } from '../journal/journal.ts';
import { type Asking, isShared } from '../journal/shared-journal.ts';
import { uniqueId } from '../ports/random.ts';
import type { ControlCommand } from '../saga/command.ts';
import { SagaEndedError, SagaNotFoundError } from '../saga/control-errors.ts';
import type { Saga, SagaDefinition, WaitStep } from '../saga/definition.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { type SagaView, viewOf } from '../saga/view.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { AttentionDesk } from './attention.ts';
import { checkTargets } from './check-targets.ts';
import { deleteEnded } from './delete-ended.ts';
import { commandOf, Elsewhere, type StartCommand, type TravellingCommand } from './elsewhere.ts';
import { type FleetParts, isLoss } from './fleet.ts';
import { type Fleets, SoleFleet } from './fleets.ts';
import { has, isAt, isShown, listRuns, statusOf, viewOfRun } from './list-runs.ts';
import { nextStart } from './next-run.ts';
import { refuseOtherRequest } from './same-request.ts';
import { SagaBlockedError, TempoClosedError } from './saga-errors.ts';
import { handleOfEnded, handleOfRun, type SagaHandle } from './saga-handle.ts';
import { checkHeaders, checkInput, checkPayload, inputOf } from './saga-input.ts';
import type { SagaRun } from './saga-run.ts';
import { ShardFleets } from './shard-fleets.ts';
import { Slots } from './slots.ts';
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
export interface CoordinatorParts extends Omit<FleetParts, 'slots' | 'attention'> {
  readonly concurrency: number;
  readonly realertMs: number;
}

/** The coordinator: what can be asked of it, carried to the fleet of sagas that it drives. */
export class Coordinator implements Tempo {
  readonly attention: AttentionDesk;
  readonly policies: FleetParts['policies'];
  private readonly parts: CoordinatorParts;
  private readonly fleets: Fleets;
  private readonly elsewhere: Elsewhere | undefined;
  /** Definitions that sagas brought along whose targets may be called. */
  private readonly checked = new WeakSet<SagaDefinition>();
  private closing: Promise<void> | undefined;

  constructor(parts: CoordinatorParts) {
    this.parts = parts;
    this.policies = parts.policies;
    const { journal, clock, random, observer, realertMs, concurrency } = parts;
    const shared = isShared(journal) ? journal : undefined;
    const elsewhere = shared && new Elsewhere(shared, clock, random);
    const store = elsewhere && ((): Promise<readonly SagaState[]> => elsewhere.waiting());
    this.attention = new AttentionDesk(clock, observer, realertMs, (id, command) => this.command(id, command), store);
    const slots = new Slots<SagaRun>(
      concurrency,
      (run) => run.granted(),
      (run) => run.definition.name,
    );
    const fleetParts = { ...parts, slots, attention: this.attention };
    this.elsewhere = elsewhere;
    this.fleets = shared
      ? new ShardFleets(fleetParts, shared, (id, command, asking) => this.carryOut(id, commandOf(command), asking))
      : new SoleFleet(fleetParts);
  }

  recover(): Promise<void> {
    return this.fleets.recover();
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
    const fleet = this.fleets.of(id);
    if (fleet === undefined) return this.place<Output>(id, saga, command);
    const rival = fleet.runOf(id);
    if (rival === undefined) fleet.refuseWhenClosed(`saga "${id}" was not started`);
    const run = rival ?? fleet.add(id, saga);
    if (rival === undefined) run.send(command);
    try {
      // The journal decides whether an id is new: it refuses a first record where one stands already.
      if (!(await fleet.isAccepted(run))) return this.find<Output>(id, saga, input);
    } catch (error) {
      if (this.elsewhere !== undefined && isLoss(error)) return this.place<Output>(id, saga, command);
      throw error;
    }
    if (rival !== undefined && run.state !== undefined) refuseOtherRequest(run.state, saga, input);
    return this.handleOf(run, rival === undefined);
  }

  /** Starts a saga that another coordinator will drive. */
  private async place<Output>(id: string, saga: SagaDefinition, command: StartCommand): Promise<SagaHandle<Output>> {
    const elsewhere = this.askElsewhere(`saga "${id}" was not started`);
    const created = await elsewhere.place(id, saga, command);
    return created ? elsewhere.handleOf(id, true) : this.find<Output>(id, saga, command.input);
  }

  private askElsewhere(what: string): Elsewhere {
    if (this.elsewhere === undefined || this.fleets.draining) throw new TempoClosedError(what);
    return this.elsewhere;
  }

  private handleOf<Output>(run: SagaRun, created: boolean): SagaHandle<Output> {
    return this.elsewhere?.handleOf(run.id, created, run) ?? handleOfRun(run, created);
  }

  async restartAsNew<Input, Output>(
    id: string,
    options: RestartAsNewOptions<Input, Output> = {},
  ): Promise<SagaHandle<Output>> {
    if (options.saga !== undefined) this.parts.registry.check(options.saga);
    const state = this.fleets.of(id)?.runOf(id)?.state ?? (await this.parts.journal.state(id));
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    const next = await nextStart(state, this.parts.registry, options);
    return await this.accept<Output>(next.id, next.definition, next.command);
  }

  /** The handle of a saga that the journal has and nobody drives here, when this is the request it was started with. */
  private async find<Output>(id: string, saga: SagaDefinition, input: JsonValue): Promise<SagaHandle<Output>> {
    const records = await this.parts.journal.read(id);
    const state = foldRecords(id, records);
    if (state?.status === 'deleted') throw new SagaPurgedError(id, state.updatedAt);
    if (state !== undefined) refuseOtherRequest(state, saga, input);
    // The journal had it a moment ago: it was purged between the two looks.
    else if (this.elsewhere === undefined) throw new SagaPurgedError(id, this.parts.clock.now());
    return this.elsewhere?.handleOf(id, false) ?? handleOfEnded(id, records);
  }

  async get(id: string): Promise<SagaView | undefined> {
    const fleet = this.fleets.of(id);
    const state = fleet?.latestOf(id) ?? (await this.parts.journal.state(id));
    return state === undefined || state.status === 'deleted' ? undefined : viewOfRun(fleet?.runOf(id), state);
  }

  async list({ status, step, ...filter }: SagaListFilter = {}): Promise<SagaList> {
    if (step !== undefined)
      return listRuns(this.runs, filter, (run, state) => isAt(state, step) && has(run, state, status));
    if (status === 'blocked') return listRuns(this.runs, filter, (run, state) => statusOf(run, state) === 'blocked');
    const page: SagaPage = await this.parts.journal.list({ ...filter, status });
    const items = page.items.flatMap((item): readonly SagaListItem[] => {
      const run = this.fleets.of(item.id)?.runOf(item.id);
      if (run?.state !== undefined) return [{ ...item, status: statusOf(run, run.state) }];
      return isShown(item) ? [item] : [];
    });
    return { ...page, items: status === undefined ? items : items.filter((item) => item.status === status) };
  }

  /** Every saga that is driven here. */
  private get runs(): readonly SagaRun[] {
    return Iterator.from(this.fleets.all())
      .flatMap((fleet) => fleet.runs.values())
      .toArray();
  }

  *driven(): Generator<string> {
    for (const fleet of this.fleets.all()) yield* fleet.runs.keys();
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

  async signal(id: string, name: string, payload?: unknown, asked?: string): Promise<void> {
    const definition = (await this.runToAsk(id))?.definition;
    const step = definition?.steps.find((own): own is WaitStep => own.kind === 'wait' && own.name === name);
    const checked =
      definition === undefined
        ? toJsonValue(payload, `payload of signal "${name}"`)
        : await checkPayload(name, step?.schema, payload);
    await this.command(id, { type: 'signal', name, payload: checked }, asked);
  }

  async renew(id: string, deadline: Duration, asked?: string): Promise<SagaView> {
    const deadlineMs = toMs(deadline, 'deadline');
    const parent = (await this.runToAsk(id))?.state?.parent;
    // Whoever drives the saga also drives the one that it is a step of.
    const atMost = parent === undefined ? undefined : this.fleets.of(id)?.runOf(parent.id)?.state?.deadlineAt;
    return await this.command(id, { type: 'renew', deadlineMs, atMost }, asked);
  }

  async delete(id: string, { by }: DeleteOptions = {}, asked?: string): Promise<void> {
    const fleet = this.fleets.of(id);
    if (fleet === undefined) return this.askElsewhere(`saga "${id}" was not deleted`).delete(id, by);
    const run = fleet.runOf(id);
    // Whoever deletes a terminated saga has looked after it, or does not mean to.
    if (run?.state?.status === 'terminated')
      await this.attention.resolve(id, null, { by: by ?? 'nobody', note: 'deleted' });
    const state = run?.state ?? (await fleet.read(id));
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    fleet.refuseWhenClosed(`saga "${id}" was not deleted`);
    await deleteEnded(fleet, state, by, asked);
  }

  register(saga: SagaDefinition): void {
    const { registry, caller } = this.parts;
    checkTargets(saga, caller);
    registry.add(saga);
    try {
      for (const fleet of this.fleets.all()) fleet.refuseStranded(fleet.runs.values());
    } catch (error) {
      registry.remove(saga);
      throw error;
    }
    for (const fleet of this.fleets.all()) fleet.unblock();
  }

  async migrate(id: string, to: SagaDefinition, asked?: string): Promise<SagaView> {
    this.parts.registry.check(to);
    return await this.command(id, { type: 'migrate', to }, asked);
  }

  /** Carries a control command to a saga, and shows what came of it. */
  private async command(id: string, wanted: ControlCommand, asked?: string): Promise<SagaView> {
    const command = asked === undefined ? wanted : { ...wanted, asked };
    const run = await this.runToAsk(id);
    if (run === undefined) return await this.askElsewhere(`nothing was asked of saga "${id}"`).ask(id, command);
    const needsDefinition = command.type === 'cancel' || command.type === 'signal' || command.type === 'human';
    const lacksIt = run.blocked && run.trouble === undefined;
    if (lacksIt && needsDefinition) throw new SagaBlockedError(id, definitionName(run.state));
    if (this.elsewhere !== undefined && !this.fleets.draining) return await this.elsewhere.askHere(run, command);
    return viewOf(await run.ask(command));
  }

  /** Carries out what another coordinator asks of a saga that is driven here. */
  private async carryOut(id: string, command: TravellingCommand, { id: asked, isDone }: Asking): Promise<unknown> {
    if (isDone) return command.type === 'signal' || command.type === 'delete' ? undefined : await this.get(id);
    if (command.type === 'signal') return await this.signal(id, command.name, command.payload, asked);
    if (command.type === 'delete')
      return await this.delete(id, command.by === undefined ? {} : { by: command.by }, asked);
    if (command.type === 'renew') return await this.renew(id, command.deadlineMs, asked);
    if (command.type !== 'migrate') return await this.command(id, command, asked);
    const to = this.parts.registry.named(command.name, command.version);
    if (to === undefined) throw new SagaBlockedError(id, `${command.name}@${command.version}`);
    return await this.migrate(id, to, asked);
  }

  /**
   * The run of an unfinished saga; `undefined` when another coordinator drives it, or this one will in a moment.
   *
   * @throws {SagaEndedError} @throws {SagaNotFoundError}
   */
  private async runToAsk(id: string): Promise<SagaRun | undefined> {
    const fleet = this.fleets.of(id);
    if (fleet === undefined) return undefined;
    const run = fleet.runOf(id);
    if (run !== undefined && (await fleet.isAccepted(run))) return run;
    const state = await fleet.read(id);
    if (state === undefined || state.status === 'deleted') throw new SagaNotFoundError(id);
    fleet.refuseWhenClosed(`nothing was asked of saga "${id}"`);
    // Another has started it in our shard, and we have not read of it yet: what is asked is read right behind it.
    if (this.elsewhere !== undefined && !state.finished) return undefined;
    throw new SagaEndedError(id, state.status);
  }

  drain(): Promise<void> {
    return this.fleets.drain();
  }

  close(): Promise<void> {
    this.closing ??= this.fleets.close();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function definitionName(state: SagaState | undefined): string {
  return `${state?.name}@${state?.version}`;
}
