/**
 * Random interleavings of the probes of a half-open breaker: `node scripts/interleavings.ts [episodes] [seed]`.
 *
 * In each episode a breaker is half-open with one to four probes; calls come, and those let in end in any order: well,
 * badly, aborted or unused, beside stale ones of the time before. Held to: never more probes in flight and succeeded than
 * allowed; a place is free exactly when that is not reached, so none leaks; it closes with the last good probe and opens
 * with the first bad one. 1e7 episodes take some ten seconds; the tests run 1e5.
 */
import { argv } from 'node:process';
import { type CircuitBreaker, circuitBreaker, type CircuitState, consecutiveFailures } from '../src/guards/index.ts';
import { seededRandom, systemClock } from '../src/ports/index.ts';

/** What the episodes have shown. */
export interface EpisodeReport {
  readonly episodes: number;
  /** Probes let in, all episodes together. */
  readonly probes: number;
  /** Episodes by the state they ended in. */
  readonly ended: Readonly<Record<CircuitState, number>>;
  /** Broken promises, with the number of the episode; empty when all is well. */
  readonly faults: readonly string[];
}

type Below = (limit: number) => number;

const endings = ['success', 'success', 'success', 'failure', 'abort', 'unused'] as const;

/** Lets calls come and go at a half-open breaker until it is so no more; returns the probes let in, or what went wrong. */
function playEpisode(breaker: CircuitBreaker, allowed: number, stale: number, below: Below): number | string {
  const inFlight: number[] = [];
  let [probes, succeeded] = [0, 0];
  for (let steps = 6 + below(10); steps > 0 && (probes === 0 || breaker.state === 'half-open'); steps--) {
    if (inFlight.length === 0 || below(2) === 0) {
      const ticket = breaker.tryEnter();
      if (ticket >= 0 !== inFlight.length + succeeded < allowed) return 'a place leaked or was made up';
      if (ticket < 0) continue;
      probes += 1;
      if (inFlight.push(ticket) > allowed) return `${inFlight.length} probes of ${allowed} in flight`;
      continue;
    }
    if (below(8) === 0) breaker.leave(stale, endings[below(endings.length)] ?? 'failure');
    const ending = endings[below(endings.length)] ?? 'failure';
    const [ticket = -1] = inFlight.splice(below(inFlight.length), 1);
    breaker.leave(ticket, ending);
    if (ending === 'success') succeeded += 1;
    const expected = ending === 'failure' ? 'open' : succeeded === allowed ? 'closed' : 'half-open';
    if (breaker.state !== expected) return `${breaker.state} instead of ${expected}`;
  }
  const { state } = breaker;
  // Those still in flight come back when the state is another already: they must not move it.
  for (const ticket of state === 'half-open' ? [] : inFlight) breaker.leave(ticket, 'failure');
  return breaker.state === state ? probes : `a late probe made it ${breaker.state}`;
}

/** Plays this many episodes; the same seed plays the same ones. */
export function runEpisodes({ episodes, seed }: { readonly episodes: number; readonly seed: number }): EpisodeReport {
  const random = seededRandom(seed);
  const below: Below = (limit) => Math.floor(random() * limit);
  let [probes, nowMs] = [0, 0];
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const breakers = [1, 2, 3, 4].map((halfOpenProbes) =>
    circuitBreaker({ trip: consecutiveFailures(1), openFor: 1000, halfOpenProbes, clock }),
  );
  const ended = { closed: 0, open: 0, 'half-open': 0 };
  const faults: string[] = [];
  for (let episode = 0; episode < episodes && faults.length < 10; episode++) {
    const allowed = 1 + below(breakers.length);
    const breaker = breakers[allowed - 1] as CircuitBreaker;
    const stale = breaker.tryEnter();
    breaker.open();
    nowMs += 1000;
    const played = playEpisode(breaker, allowed, stale, below);
    if (typeof played === 'number') probes += played;
    else faults.push(`episode ${episode}: ${played}`);
    ended[breaker.state] += 1;
    breaker.close();
  }
  return { episodes, probes, ended, faults };
}

if (argv[1] === import.meta.filename) {
  const report = runEpisodes({ episodes: Number(argv[2] ?? 1e7), seed: Number(argv[3] ?? 1) });
  console.log(report);
  if (report.faults.length > 0) process.exitCode = 1;
}
