/**
 * Whether what clients were told could have come of one thing done after another: each operation as if at one moment
 * between its call and its answer.
 *
 * The search of Wing and Gong, with the memory of Lowe: an operation may be next when none that is left was answered before
 * it was called; a set of operations that was done before, with the same state after it, is not tried again. One that
 * changes nothing is done as soon as it may be, since that hinders no other. One that was never answered may have been done
 * at any moment since its call, or not at all.
 *
 * @see Herlihy, Wing, "Linearizability", TOPLAS 1990; Lowe, "Testing for Linearizability", 2017; Athalye's Porcupine.
 */

/** Something that a client asked for. */
export interface Operation<Input, Output> {
  /** Who asked, as a picture shows it. */
  readonly client: string;
  readonly input: Input;
  /** `undefined`: no answer came, and nobody knows whether it was done. */
  readonly output: Output | undefined;
  /** Of all calls and answers, which place this call has. */
  readonly calledAt: number;
  /** The place of its answer; `Infinity` when none came. */
  readonly returnedAt: number;
}

/** What the thing itself may do, one operation after another. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /**
   * What is so after an operation that is answered in this way; `undefined` when it cannot be. What happens by itself between
   * operations is part of it: a state is what is known, and an answer says what it must have come to.
   *
   * @param output `undefined`: it was done, and nobody heard what came of it.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** The same for states that are the same. */
  keyOf(state: State): string;
}

/** What a history comes to. */
export interface LinearizabilityVerdict<Input, Output> {
  readonly linearizable: boolean;
  /** The longest order that was found to be possible, of all operations when it is linearizable. */
  readonly order: readonly Operation<Input, Output>[];
  /** What was answered and could not come next in that order. */
  readonly stuck: readonly Operation<Input, Output>[];
}

/** One place of the search: what was done before, and which of the rest may be next. */
interface Place<State> {
  readonly state: State;
  readonly done: bigint;
  /** The operation that led here; -1 at the beginning. */
  readonly by: number;
  /** How many were answered of those that were done. */
  readonly answered: number;
  readonly candidates: readonly number[];
  tried: number;
}

class Search<State, Input, Output> {
  private readonly model: SequentialModel<State, Input, Output>;
  private readonly operations: readonly Operation<Input, Output>[];
  private readonly seen = new Set<string>();
  private readonly answered: number;

  constructor(model: SequentialModel<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.model = model;
    this.operations = operations.toSorted((one, other) => one.calledAt - other.calledAt);
    this.answered = operations.filter(({ output }) => output !== undefined).length;
  }

  run(): LinearizabilityVerdict<Input, Output> {
    const path = [this.place(this.model.initial, 0n)];
    let longest: readonly Place<State>[] = [...path];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      if (top.answered > (longest.at(-1)?.answered ?? 0)) longest = [...path];
      if (top.answered === this.answered) return this.verdict(true, path);
      const next = this.advance(top);
      if (next === undefined) path.pop();
      else path.push(next);
    }
    return this.verdict(false, longest);
  }

  /** The next place that was not seen before. */
  private advance(from: Place<State>): Place<State> | undefined {
    while (from.tried < from.candidates.length) {
      const index = from.candidates[from.tried++] as number;
      const { input, output } = this.at(index);
      const state = this.model.step(from.state, input, output);
      if (state === undefined) continue;
      const key = this.model.keyOf(state);
      const changes = key !== this.model.keyOf(from.state);
      // Without an answer and without an effect it need not have been done.
      if (output === undefined && !changes) continue;
      if (!changes) from.tried = from.candidates.length;
      const done = from.done | (1n << BigInt(index));
      const known = `${done} ${key}`;
      if (this.seen.has(known)) continue;
      this.seen.add(known);
      return this.place(state, done, from, index);
    }
    return undefined;
  }

  private place(state: State, done: bigint, from?: Place<State>, by: number = -1): Place<State> {
    const left = this.operations.flatMap((_, index) => (((done >> BigInt(index)) & 1n) === 0n ? [index] : []));
    const firstAnswer = Math.min(...left.map((index) => this.at(index).returnedAt));
    const candidates = left.filter((index) => this.at(index).calledAt <= firstAnswer);
    const answered = (from?.answered ?? 0) + (by === -1 || this.at(by).output === undefined ? 0 : 1);
    return { state, done, by, answered, candidates, tried: 0 };
  }

  private at(index: number): Operation<Input, Output> {
    return this.operations[index] as Operation<Input, Output>;
  }

  private verdict(linearizable: boolean, path: readonly Place<State>[]): LinearizabilityVerdict<Input, Output> {
    const last = path.at(-1)?.candidates ?? [];
    const stuck = linearizable ? [] : last.filter((index) => this.at(index).output !== undefined);
    return {
      linearizable,
      order: path.slice(1).map(({ by }) => this.at(by)),
      stuck: stuck.map((index) => this.at(index)),
    };
  }
}

/** Looks for an order of operations that explains every answer. */
export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): LinearizabilityVerdict<Input, Output> {
  return new Search(model, operations).run();
}

const width = 48;

/**
 * A history as a picture: a line an operation, in the order of their calls, each as long as it took. `!` marks those that
 * could not come next in any order.
 */
export function drawHistory<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  stuck: readonly Operation<Input, Output>[],
  describe: (operation: Operation<Input, Output>) => string,
): string {
  const sorted = operations.toSorted((one, other) => one.calledAt - other.calledAt);
  const times = sorted.flatMap(({ calledAt, returnedAt }) =>
    returnedAt === Infinity ? [calledAt] : [calledAt, returnedAt],
  );
  const places = [...new Set(times)].toSorted((one, other) => one - other);
  const column = (at: number): number =>
    at === Infinity ? width : Math.round((places.indexOf(at) / Math.max(1, places.length - 1)) * (width - 1));
  const lines = sorted.map((operation) => {
    const [from, to] = [column(operation.calledAt), column(operation.returnedAt)];
    const bar = `${' '.repeat(from)}|${'-'.repeat(Math.max(0, to - from - 1))}${to === width ? '…' : '|'}`;
    const mark = stuck.includes(operation) ? '!' : ' ';
    return `${mark} ${operation.client.padEnd(10)} ${bar.padEnd(width + 2)} ${describe(operation)}`;
  });
  return lines.join('\n');
}
