/**
 * How a hybrid logical clock moves, as pure functions of its last moment, the machine's time and what was received.
 *
 * Source: Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", OPODIS 2014, figure 5. Added to it: a
 * counter that is full moves the wall time on by a millisecond, and a moment too far ahead of the machine is not taken,
 * as CockroachDB and YugabyteDB refuse it (500 ms by default in both).
 */
import { compareHybrid, type HybridTime, logicalLimit } from './hybrid-time.ts';

/** The moment before every other. */
export const hybridZero: HybridTime = Object.freeze({ wallMs: 0, logical: 0 });

function next({ wallMs, logical }: HybridTime): HybridTime {
  return logical + 1 < logicalLimit ? { wallMs, logical: logical + 1 } : { wallMs: wallMs + 1, logical: 0 };
}

/** The moment of something that happens here: later than `last`, and not before the machine's time. */
export function hybridAfter(last: HybridTime, physicalMs: number): HybridTime {
  return physicalMs > last.wallMs ? { wallMs: physicalMs, logical: 0 } : next(last);
}

/**
 * The moment at which a message is received: later than `last` and than what the message carries.
 *
 * @returns `undefined` when the message's moment is more than `maxDriftMs` ahead of the machine's time.
 */
export function hybridAfterBoth(
  last: HybridTime,
  physicalMs: number,
  received: HybridTime,
  maxDriftMs: number,
): HybridTime | undefined {
  if (received.wallMs - physicalMs > maxDriftMs) return undefined;
  return hybridAfter(compareHybrid(received, last) > 0 ? received : last, physicalMs);
}
