/** A step from one world to the next: who does what to whom. */
export interface Move<World> {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly world: World;
  /** Something that goes wrong: it may happen, and nothing waits for it. */
  readonly fault?: boolean;
}

/** A graph of worlds and what must hold in them. */
export interface Model<World> {
  readonly start: World;
  /** A world without what can never matter again. */
  readonly tidy: (world: World) => World;
  /** The same text for worlds that are the same. */
  readonly keyOf: (world: World) => string;
  readonly movesOf: (world: World) => readonly Move<World>[];
  /** What is wrong with a world; `undefined` when nothing is. */
  readonly breachOf: (world: World) => string | undefined;
  /** The same, where only faults could still happen. */
  readonly breachAtRest: (world: World) => string | undefined;
}

/** What an exploration found: every world there is, or the shortest way to one that breaks a promise. */
export interface Exploration<World> {
  readonly states: number;
  readonly moves: number;
  readonly atRest: number;
  readonly breach?: { readonly what: string; readonly trace: readonly Move<World>[] };
}

interface Visit<World> {
  readonly move: Move<World> | undefined;
  readonly before: Visit<World> | undefined;
  readonly world: World;
}

function traceOf<World>(visit: Visit<World>): Move<World>[] {
  const trace: Move<World>[] = [];
  for (let at: Visit<World> | undefined = visit; at?.move !== undefined; at = at.before) trace.unshift(at.move);
  return trace;
}

/** Walks through every world that can be reached, nearest first, and stops at the first that breaks a promise. */
export function explore<World>({
  start,
  tidy,
  keyOf,
  movesOf,
  breachOf,
  breachAtRest,
}: Model<World>): Exploration<World> {
  const seen = new Set([keyOf(start)]);
  const queue: Visit<World>[] = [{ move: undefined, before: undefined, world: start }];
  let moves = 0;
  let atRest = 0;
  for (let visit = queue[0], next = 1; visit !== undefined; visit = queue[next++]) {
    const { world } = visit;
    const possible = movesOf(world);
    const rests = possible.every(({ fault }) => fault === true);
    if (rests) atRest++;
    const what = breachOf(world) ?? (rests ? breachAtRest(world) : undefined);
    if (what !== undefined) return { states: seen.size, moves, atRest, breach: { what, trace: traceOf(visit) } };
    for (const move of possible) {
      moves++;
      const after = tidy(move.world);
      const key = keyOf(after);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ move, before: visit, world: after });
    }
  }
  return { states: seen.size, moves, atRest };
}
