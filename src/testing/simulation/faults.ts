/**
 * What goes wrong in a simulated world, and when.
 *
 * A fault is known by its class and its number: the n-th time that such a fault could have struck. Whether it strikes is
 * drawn, or read from a list of those that did in another run: then any of them can be left out and the rest strike where
 * they did. What a fault does beyond that is drawn from a stream of its own, named by class and number.
 */
import type { SeededRandom } from '../../ports/random.ts';

/** Classes of faults. */
export const faultClasses = [
  'kill',
  'power-cut',
  'pause',
  'clock-step',
  'outage',
  'request-lost',
  'reply-lost',
  'duplicate',
  'slow',
  'half-open',
  'reset',
  'garbage',
  'transient',
  'busy',
  'deaf-handler',
  'client-request-lost',
  'client-reply-lost',
  'disk-slow',
  'sync-fails',
  'read-fails',
  'disk-full',
  'short-io',
  'checkpoint-rot',
  'rival',
  'deploy',
  'store-slow',
  'store-cut',
  'store-unknown',
  'hint-lost',
  'node-cut',
  'promotion',
] as const;

/** One class of faults. */
export type FaultClass = (typeof faultClasses)[number];

/** A fault that struck: its class and its number. */
export type Struck = readonly [kind: FaultClass, number: number];

/** How likely faults are: for what can strike at each opportunity a ratio, for what comes by itself a rate an hour. */
export type FaultRates = { readonly [Kind in FaultClass]?: number };

/** Faults of one run. */
export class Faults {
  /** Every fault that struck, in order. */
  readonly struck: Struck[] = [];
  /** Nothing strikes before the world has warmed up, and after it was healed. */
  active = false;
  private readonly random: SeededRandom;
  private readonly rates: FaultRates;
  private readonly chance: ReadonlyMap<FaultClass, SeededRandom>;
  private readonly opportunities = new Map<FaultClass, number>();
  private readonly chosen: ReadonlySet<string> | undefined;

  constructor(random: SeededRandom, rates: FaultRates, chosen?: readonly Struck[]) {
    this.random = random.split('faults');
    this.rates = rates;
    this.chance = new Map(faultClasses.map((kind) => [kind, this.random.split(kind)]));
    this.chosen = chosen === undefined ? undefined : new Set(chosen.map(([kind, number]) => `${kind} ${number}`));
  }

  /** Whether a fault strikes at this opportunity: then a stream for what it does. */
  strikes(kind: FaultClass): SeededRandom | undefined {
    const ratio = this.rates[kind];
    if (ratio === undefined || !this.active) return undefined;
    const number = (this.opportunities.get(kind) ?? 0) + 1;
    this.opportunities.set(kind, number);
    const drawn = (this.chance.get(kind) as SeededRandom)() < ratio;
    return this.isOn(kind, number, drawn) ? this.note(kind, number) : undefined;
  }

  /**
   * The faults of a class that come by themselves: how long after the one before each comes, in ms, and what it does.
   * Their times depend on nothing that happens.
   */
  *comings(kind: FaultClass): Generator<{ readonly gapMs: number; readonly strike: () => SeededRandom | undefined }> {
    const perHour = this.rates[kind];
    if (perHour === undefined || perHour <= 0) return;
    const chance = this.chance.get(kind) as SeededRandom;
    for (let number = 1; ; number++) {
      const gapMs = (-Math.log(1 - chance()) * 3_600_000) / perHour;
      const strike = (): SeededRandom | undefined =>
        this.active && this.isOn(kind, number, true) ? this.note(kind, number) : undefined;
      yield { gapMs, strike };
    }
  }

  private isOn(kind: FaultClass, number: number, drawn: boolean): boolean {
    return this.chosen === undefined ? drawn : this.chosen.has(`${kind} ${number}`);
  }

  private note(kind: FaultClass, number: number): SeededRandom {
    this.struck.push([kind, number]);
    return this.random.split(`${kind} ${number}`);
  }
}
