import type { SeededRandom } from '../../ports/random.ts';
import type { Tempo } from '../../tempo/tempo.ts';
import type { buildSagas } from './build-saga.ts';
import type { ControlHistory } from './control-history.ts';
import type { Faults } from './faults.ts';
import type { Judge } from './judge.ts';
import type { Kernel } from './kernel.ts';
import type { SagaShape } from './shape.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Load } from './swarm.ts';

/** A coordinator in its process. */
export interface Life {
  readonly process: SimulatedProcess;
  readonly tempo: Tempo;
  readonly sagas: ReturnType<typeof buildSagas>;
  /** When it had recovered, in the world's time. */
  readonly since: number;
}

/** What clients and people see of a world, be there one coordinator in it or several. */
export interface PeopledWorld {
  readonly random: SeededRandom;
  readonly kernel: Kernel;
  readonly faults: Faults;
  readonly shapes: readonly SagaShape[];
  readonly judge: Judge;
  readonly history: ControlHistory;
  readonly swarm: { readonly load: Load };
  /** A coordinator that runs and has recovered. */
  readonly life: Life | undefined;
  /** Whether it has not begun to close, and was not killed. */
  isOpen(life: Life): boolean;
}
