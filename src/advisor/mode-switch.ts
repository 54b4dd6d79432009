/**
 * Which consistency new sagas begin with, as the measured world changes: *home* is what was advised, *away* its fallback.
 *
 *   home → (cut off; or the quorum too slow for `patience`) → away
 *   away → (reachable, and the quorum faster than the SLA by `margin`, for `hold`) → home
 *
 * Between the two thresholds nothing moves, so that a quorum near the limit does not switch modes with every sample. What
 * has started keeps its mode: Tempo pins the definition, and with it the mode of each step.
 */
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { adviseChecked } from './advise.ts';
import { checkFacts } from './check-facts.ts';
import { latencyMs } from './digits.ts';
import type { Facts, Latency } from './facts.ts';
import { type Consistency, type Mode, modeOf } from './rules.ts';
import { parseSla } from './sla.ts';

/** What was seen of the world. */
export interface ModeObservation {
  /** Whether the parts that must agree cannot be reached. Default `false`. */
  readonly cutOff?: boolean;
  /** How long a quorum write takes now, 99 times of 100. Default: as before. */
  readonly quorumP99?: Latency;
}

/** Options of {@link modeSwitch}. */
export interface ModeSwitchOptions {
  /** How much faster than the SLA a quorum must be again, as a share of it. Default 0.2. */
  readonly margin?: number;
  /** How long a quorum may be too slow. Default `'5s'`. */
  readonly patience?: Duration;
  /** How long all must be well before sagas begin as advised again. Default `'30s'`. */
  readonly hold?: Duration;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock;
}

/** Defaults of {@link modeSwitch}. */
export const modeSwitchDefaults: Readonly<{ margin: number; patience: Duration; hold: Duration }> = Object.freeze({
  margin: 0.2,
  patience: '5s',
  hold: '30s',
});

/** Chooses the mode of sagas that begin now. */
export interface ModeSwitch {
  readonly consistency: Consistency;
  readonly mode: Mode;
  /** Takes a sample; says whether sagas that begin from now on have another mode. */
  observe(observation: ModeObservation): boolean;
  /** Of the definitions made for the modes, the one to start now. It keeps its mode to its end. */
  choose<Variant>(variants: Readonly<Partial<Record<Consistency, Variant>>>): Variant;
}

type Health = 'well' | 'between' | 'slow' | 'cut-off';

class HystereticSwitch implements ModeSwitch {
  consistency: Consistency;
  private readonly home: Consistency;
  private readonly away: Consistency;
  private readonly limitMs: number;
  private readonly marginMs: number;
  private readonly patienceMs: number;
  private readonly holdMs: number;
  private readonly clock: Clock;
  private quorumMs = 0;
  private health: Health = 'well';
  private healthSinceMs: number;

  constructor(facts: Facts, options: ModeSwitchOptions) {
    const { margin, patience, hold } = { ...modeSwitchDefaults, ...options };
    if (!(margin >= 0 && margin < 1)) throw new RangeError(`Expected margin to be a number in [0, 1), got ${margin}`);
    const { possible, reasons, consistency, fallback } = adviseChecked(facts);
    if (!possible) throw new TypeError(`Expected facts that can be had together: ${reasons[0]?.text}`);
    this.home = consistency;
    this.away = fallback === 'none' ? consistency : 'ap-compensated';
    this.consistency = consistency;
    this.limitMs = latencyMs(parseSla(facts.sla).limit, 'the limit of sla');
    this.marginMs = this.limitMs * (1 - margin);
    this.patienceMs = toMs(patience, 'patience');
    this.holdMs = toMs(hold, 'hold');
    this.clock = options.clock ?? systemClock;
    this.healthSinceMs = this.clock.monotonicMs();
  }

  get mode(): Mode {
    return modeOf[this.consistency];
  }

  observe({ cutOff = false, quorumP99 }: ModeObservation): boolean {
    if (quorumP99 !== undefined) this.quorumMs = latencyMs(quorumP99, 'quorumP99');
    const health = this.judge(cutOff);
    const nowMs = this.clock.monotonicMs();
    if (health !== this.health) [this.health, this.healthSinceMs] = [health, nowMs];
    const next = this.next(nowMs - this.healthSinceMs);
    if (next === this.consistency) return false;
    this.consistency = next;
    return true;
  }

  choose<Variant>(variants: Readonly<Partial<Record<Consistency, Variant>>>): Variant {
    const variant = variants[this.consistency];
    if (variant === undefined) throw new TypeError(`Expected a variant for consistency "${this.consistency}"`);
    return variant;
  }

  private judge(cutOff: boolean): Health {
    if (cutOff) return 'cut-off';
    if (this.quorumMs > this.limitMs) return 'slow';
    return this.quorumMs > this.marginMs ? 'between' : 'well';
  }

  private next(lastedMs: number): Consistency {
    switch (this.health) {
      case 'cut-off':
        return this.away;
      case 'slow':
        return lastedMs >= this.patienceMs ? this.away : this.consistency;
      case 'well':
        return lastedMs >= this.holdMs ? this.home : this.consistency;
      case 'between':
        return this.consistency;
    }
  }
}

/**
 * Watches whether what was advised can be kept, and falls back while it cannot, with hysteresis. It decides for sagas
 * that begin; those that have begun go on as they are.
 *
 * @param facts as for {@link advise}; without `partition: 'cp-ap-fallback'` there is nothing to fall back to, and it stays.
 * @throws {TypeError} or {RangeError} when the facts contradict each other, or an option is out of its bounds.
 * @example
 * const modes = modeSwitch({ sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent' });
 * modes.choose({ 'cp-cached': 'agrees first', 'ap-compensated': 'mends later' }) // => 'agrees first'
 * modes.observe({ cutOff: true }) // => true
 * modes.choose({ 'cp-cached': 'agrees first', 'ap-compensated': 'mends later' }) // => 'mends later'
 */
export function modeSwitch(facts: Facts, options: ModeSwitchOptions = {}): ModeSwitch {
  return new HystereticSwitch(checkFacts(facts), options);
}
