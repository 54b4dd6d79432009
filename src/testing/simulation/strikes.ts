import type { SeededRandom } from '../../ports/random.ts';
import type { FaultClass, Faults } from './faults.ts';
import type { Kernel } from './kernel.ts';

/** What faults do that come by themselves, by their class. */
export type Strikes<Strike> = { readonly [Kind in FaultClass]?: Strike };

/** Lets every class of faults that come by themselves come, as often as its rate says. */
export function beginStrikes<Strike>(
  { kernel, faults }: { readonly kernel: Kernel; readonly faults: Faults },
  strikes: Strikes<Strike>,
  carryOut: (strike: Strike, random: SeededRandom) => void,
): void {
  for (const [kind, strike] of Object.entries(strikes) as [FaultClass, Strike][]) {
    const comings = faults.comings(kind);
    const next = (): void => {
      const { value } = comings.next();
      if (value === undefined) return;
      kernel.after(value.gapMs, kind, () => {
        const random = value.strike();
        if (random !== undefined) carryOut(strike, random);
        next();
      });
    };
    next();
  }
}
