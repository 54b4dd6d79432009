import type { Clock, TimerHandle } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { HumanCommand } from '../saga/command.ts';
import { toJsonValue } from '../saga/json-value.ts';
import type { SagaState } from '../saga/state.ts';
import type { SagaView } from '../saga/view.ts';
import { type AttentionItem, attentionItems, unreadableItem, waitsForPerson } from './attention-item.ts';
import type { SagaEvent } from './events.ts';
import { SagaUnreadableError } from './saga-errors.ts';
import type { SagaRun } from './saga-run.ts';

/** Who decides, and why. */
export interface Decision {
  /** Who decides; kept in the saga's history. */
  readonly by: string;
  /** Why, and where the evidence is; kept in the saga's history. Default nothing. */
  readonly note?: string;
  /**
   * `seq` of the item, or of the view, that was decided on: refused when the saga has moved on since. Default: not
   * compared; a step that does not wait any more refuses all the same.
   */
  readonly expectedSeq?: number;
}

/** The queue of what automation has given up, and the decisions that a person can take. */
export interface Attention {
  /** What waits for a person, the longest wait first. Rejects, as everything else does, once the journal has failed. */
  list(): Promise<readonly AttentionItem[]>;
  /** Tries again with a new budget of attempts. `step` is `null` for a saga whose output could not be made. */
  retry(id: string, step: string | null, decision: Decision): Promise<SagaView>;
  /** As `retry`; the step's calls see `args` as their input from here on. */
  retryWith(id: string, step: string, decision: Decision & { readonly args: unknown }): Promise<SagaView>;
  /**
   * It was done by hand: an action counts as confirmed with `output`, a compensation as made. With `null` for the step it
   * gives the output that the saga could not make, or closes the item of a terminated saga.
   */
  resolve(id: string, step: string | null, decision: Decision & { readonly output?: unknown }): Promise<SagaView>;
  /** The step is not undone: its effect stays. Only while the saga is being undone. */
  skip(id: string, step: string, decision: Decision): Promise<SagaView>;
  /** The saga goes on without the step, or with `output` as its result; while it is being undone only if nothing was yet. */
  forward(id: string, step: string, decision: Decision & { readonly output?: unknown }): Promise<SagaView>;
}

/** Keeps what waits for a person, alerts at once and again, and carries decisions to the sagas. */
export class AttentionDesk implements Attention {
  private readonly clock: Clock;
  private readonly observer: Observer<SagaEvent> | undefined;
  private readonly realertMs: number;
  private readonly decide: (id: string, command: HumanCommand) => Promise<SagaView>;
  private readonly waiting = new Map<SagaRun, readonly AttentionItem[]>();
  /** How often each item was told, by saga, step and generation. */
  private readonly told = new Map<string, number>();
  /** What waits in a store that others share, where there is one. */
  private readonly store: (() => Promise<readonly SagaState[]>) | undefined;
  private timer: TimerHandle;
  private lost: { readonly error: unknown } | undefined;

  constructor(
    clock: Clock,
    observer: Observer<SagaEvent> | undefined,
    realertMs: number,
    decide: (id: string, command: HumanCommand) => Promise<SagaView>,
    store?: () => Promise<readonly SagaState[]>,
  ) {
    this.clock = clock;
    this.observer = observer;
    this.realertMs = realertMs;
    this.decide = decide;
    this.store = store;
  }

  /** Takes note of what of a saga waits for a person now. */
  note(run: SagaRun): void {
    const before = this.waiting.get(run);
    // Nearly every saga never waits for anybody.
    if (before === undefined && run.trouble === undefined && !waitsForPerson(run.state)) return;
    const items = itemsOf(run);
    if (items.length === 0) this.waiting.delete(run);
    else this.waiting.set(run, items);
    for (const item of before ?? [])
      if (!items.some((other) => keyOf(other) === keyOf(item))) this.told.delete(keyOf(item));
    for (const item of items) if (!this.told.has(keyOf(item))) this.tell(item);
    this.rearm();
  }

  private tell(item: AttentionItem): void {
    const repeated = this.told.get(keyOf(item)) ?? 0;
    this.told.set(keyOf(item), repeated + 1);
    notify(this.observer, { type: 'attention.raised', item, repeated });
  }

  /** One timer for all: whoever waits is told of together, as a person would read it. */
  private rearm(): void {
    // Where nobody listens there is nobody to tell again.
    if (this.waiting.size === 0 || this.observer === undefined) return this.stop();
    this.timer ??= this.clock.setTimer(this.realertMs, () => {
      this.timer = undefined;
      for (const item of this.items()) this.tell(item);
      this.rearm();
    });
  }

  /** Their coordinator does not look after these any more. */
  forget(runs: Iterable<SagaRun>): void {
    for (const run of runs) {
      for (const item of this.waiting.get(run) ?? []) this.told.delete(keyOf(item));
      this.waiting.delete(run);
    }
    this.rearm();
  }

  /** The journal failed: what waits is on record, and not known here any more. */
  lose(error: unknown): void {
    this.lost ??= { error };
  }

  private stop(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }

  async list(): Promise<readonly AttentionItem[]> {
    if (this.store === undefined) {
      // Nothing would say that nothing waits.
      if (this.lost !== undefined) throw this.lost.error;
      return this.items();
    }
    // What cannot be read is known to whoever tried to, and to no query of a store.
    const unreadable = this.items().filter(({ reason }) => reason === 'unreadable');
    return byLength([...(await this.store()).flatMap(attentionItems), ...unreadable]);
  }

  private items(): readonly AttentionItem[] {
    // As they are now: a saga that waits for a person may move on in its other steps.
    return byLength([...this.waiting.keys()].flatMap(itemsOf));
  }

  retry(id: string, step: string | null, decision: Decision): Promise<SagaView> {
    return this.decide(id, commandOf('retry', step, decision));
  }

  retryWith(id: string, step: string, decision: Decision & { readonly args: unknown }): Promise<SagaView> {
    const args = toJsonValue(decision.args, `args of step "${step}"`);
    return this.decide(id, { ...commandOf('retry-with', step, decision), args });
  }

  resolve(id: string, step: string | null, decision: Decision & { readonly output?: unknown }): Promise<SagaView> {
    return this.decide(id, { ...commandOf('resolve', step, decision), ...outputOf(decision) });
  }

  skip(id: string, step: string, decision: Decision): Promise<SagaView> {
    return this.decide(id, commandOf('skip', step, decision));
  }

  forward(id: string, step: string, decision: Decision & { readonly output?: unknown }): Promise<SagaView> {
    return this.decide(id, { ...commandOf('forward', step, decision), ...outputOf(decision) });
  }
}

/** What of a saga waits for a person: what its state says, or that nobody can tell. */
function itemsOf({ state, trouble }: SagaRun): readonly AttentionItem[] {
  if (state === undefined) return [];
  return trouble instanceof SagaUnreadableError ? [unreadableItem(state, trouble)] : attentionItems(state);
}

/** The longest wait first. */
function byLength(items: readonly AttentionItem[]): readonly AttentionItem[] {
  return items.toSorted((left, right) => left.since - right.since);
}

function keyOf({ sagaId, step, generation }: AttentionItem): string {
  return `${sagaId}/${step ?? ''}/${generation}`;
}

function commandOf(verb: HumanCommand['verb'], step: string | null, decision: Decision): HumanCommand {
  const { by, note, expectedSeq } = decision;
  if (typeof by !== 'string' || by === '')
    throw new TypeError(`Expected by to say who decides, got ${JSON.stringify(by)}`);
  return { type: 'human', verb, step: step ?? undefined, by, note, expectedSeq };
}

function outputOf({ output }: { readonly output?: unknown }): Pick<HumanCommand, 'output'> {
  return output === undefined ? {} : { output: toJsonValue(output, 'output') };
}
