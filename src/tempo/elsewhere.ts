import { AppendConflictError, JournalClosedError, type SagaPage } from '../journal/journal.ts';
import { ShardLostError } from '../journal/shard-lost-error.ts';
import type { SharedJournal } from '../journal/shared-journal.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { ControlCommand, SagaCommand } from '../saga/command.ts';
import { SagaNotFoundError } from '../saga/control-errors.ts';
import { decideSaga } from '../saga/decide-saga.ts';
import type { SagaDefinition } from '../saga/definition.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import type { SagaState } from '../saga/state.ts';
import { type SagaView, viewOf } from '../saga/view.ts';
import { isLoss } from './fleet.ts';
import { TempoClosedError } from './saga-errors.ts';
import { handleOf, type SagaHandle, whenSettled } from './saga-handle.ts';
import type { SagaRun } from './saga-run.ts';

/** What is asked of a saga, as it travels: a definition goes by its name and version. */
export type TravellingCommand =
  | Exclude<ControlCommand, { readonly type: 'migrate' }>
  | TravellingMigration
  | { readonly type: 'delete'; readonly by: string | undefined };

/** The acceptance of a saga. */
export type StartCommand = Extract<SagaCommand, { readonly type: 'start' }>;

interface TravellingMigration {
  readonly type: 'migrate';
  readonly name: string;
  readonly version: string;
}

/** Starts, asks and awaits sagas that other coordinators drive. */
export class Elsewhere {
  private readonly shared: SharedJournal;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(shared: SharedJournal, clock: Clock, random: Random) {
    this.shared = shared;
    this.clock = clock;
    this.random = random;
  }

  /** Makes the acceptance of a saga durable; its owner, or whoever becomes it, takes it up. False when the id is taken. */
  async place(id: string, definition: SagaDefinition, command: StartCommand): Promise<boolean> {
    // Epoch 0 is nobody's: the first record of the owner has a higher one.
    const context = { id, now: this.clock.now(), random: this.random, epoch: 0, hold: true };
    const { records } = decideSaga(definition, undefined, command, context);
    try {
      await this.shared.place(id, records, { allowReuse: command.allowReuse });
      return true;
    } catch (error) {
      if (error instanceof AppendConflictError) return false;
      throw error;
    }
  }

  async ask(id: string, command: ControlCommand): Promise<SagaView> {
    const travelling: TravellingCommand =
      command.type === 'migrate' ? { type: 'migrate', name: command.to.name, version: command.to.version } : command;
    return (await this.send(id, travelling)) as unknown as SagaView;
  }

  /** Asks a saga that is driven here, or whoever drives it by the time that it is not any more. */
  async askHere(run: SagaRun, command: ControlCommand): Promise<SagaView> {
    try {
      return viewOf(await run.ask(command));
    } catch (error) {
      if (!isLoss(error)) throw error;
      return await this.ask(run.id, command);
    }
  }

  async delete(id: string, by: string | undefined): Promise<void> {
    await this.send(id, { type: 'delete', by });
  }

  private async send(id: string, command: TravellingCommand): Promise<JsonValue> {
    return await this.shared.ask(id, toJsonValue(command, `what is asked of saga "${id}"`));
  }

  /** The handle of a saga, whoever drives it now and later; `run` when that is here, for the time being. */
  handleOf<Output>(id: string, created: boolean, run?: SagaRun): SagaHandle<Output> {
    return handleOf(id, created, async (signal) => {
      try {
        const state = run === undefined ? await this.shared.settled(id, signal) : await this.followed(run, signal);
        // It ended and was deleted before anybody here looked: how it ended is out of sight.
        if (state.status === 'deleted') throw new SagaNotFoundError(id);
        return state;
      } catch (error) {
        if (error instanceof JournalClosedError) throw new TempoClosedError(`saga "${id}" has not ended`);
        throw error;
      }
    });
  }

  /** The sagas of all coordinators that wait for a person. */
  async waiting(): Promise<readonly SagaState[]> {
    const found: SagaState[] = [];
    for (const status of ['needs-human', 'terminated'] as const) {
      for (let cursor: string | undefined; ; ) {
        const page: SagaPage = await this.shared.list({ status, limit: 1000, cursor });
        const states = await Promise.all(page.items.map(({ id }) => this.shared.state(id)));
        for (const state of states) if (state?.finished === false) found.push(state);
        cursor = page.nextCursor;
        if (cursor === undefined) break;
      }
    }
    return found;
  }

  private async followed(run: SagaRun, signal: AbortSignal | undefined): Promise<SagaState> {
    try {
      return await whenSettled(run, signal);
    } catch (error) {
      if (!(error instanceof ShardLostError)) throw error;
      return await this.shared.settled(run.id, signal);
    }
  }
}

/** A command as it came, for whoever carries it out. */
export function commandOf(value: JsonValue): TravellingCommand {
  // Written by a coordinator of the same journal, which checked it.
  return value as unknown as TravellingCommand;
}
