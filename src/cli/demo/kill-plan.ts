import { seededRandom } from '../../ports/random.ts';

/** When the coordinator is killed: by progress, so that a run of any length gets all of its kills. */
export interface KillPlan {
  /** For each kill, ascending: how many orders have ended when it is due. */
  readonly afterEnded: readonly number[];
  /** For each kill: how long after that it strikes, so that no kill is in step with an answer. */
  readonly delaysMs: readonly number[];
  /** How many orders may be in flight, so that one batch of answers cannot run past a kill, let alone past the end. */
  readonly window: number;
}

const longestDelayMs = 40;

/**
 * Spreads kills over a run: each in its own part of the orders, at a random place within the first nine tenths of it.
 *
 * @param options.total number of orders.
 * @param options.kills number of kills; 0 for a run without.
 * @param options.seed any integer.
 * @param options.inFlight how many orders the user wants in flight; the window is never larger.
 * @example
 * planKills({ total: 1000, kills: 0, seed: 1, inFlight: 256 }).window // => 256
 */
export function planKills(options: {
  readonly total: number;
  readonly kills: number;
  readonly seed: number;
  readonly inFlight: number;
}): KillPlan {
  const { total, kills, seed, inFlight } = options;
  const random = seededRandom(seed).split('kills');
  const part = total / (kills + 1);
  const afterEnded = Array.from({ length: kills }, (_, index) => Math.floor((index + 0.9 * random()) * part));
  const delaysMs = Array.from({ length: kills }, () => Math.floor(random() * longestDelayMs));
  const window = kills === 0 ? inFlight : Math.max(1, Math.min(inFlight, Math.floor(part / 2)));
  return { afterEnded, delaysMs, window };
}
