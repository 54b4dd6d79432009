/**
 * What kind of world a seed makes: which classes of faults there are and how often, how much is to be done, and how the
 * coordinator is set. Each seed has some of everything and never all: what always happens hides what it prevents.
 *
 * @see Groce et al., "Swarm Testing", ISSTA 2012.
 */
import type { WalJournalOptions } from '../../journal/wal-journal-options.ts';
import type { SeededRandom } from '../../ports/random.ts';
import type { TempoOptions } from '../../tempo/tempo.ts';
import { type FaultClass, faultClasses, type FaultRates } from './faults.ts';
import { drawShapes, pick, type SagaShape, type StageShape } from './shape.ts';
import type { ClockFault } from './simulated-process.ts';

/** The name of a profile. */
export type ProfileName = 'all' | 'calm' | 'crash' | 'disk' | 'network' | 'clock';

/** Profiles: which faults a world may have at all. */
export const profiles: Readonly<Record<ProfileName, readonly FaultClass[]>> = Object.freeze({
  all: faultClasses,
  calm: [],
  crash: ['kill', 'power-cut', 'pause', 'deploy', 'rival', 'disk-slow'],
  disk: ['power-cut', 'sync-fails', 'read-fails', 'disk-full', 'short-io', 'disk-slow', 'checkpoint-rot', 'kill'],
  network: faultClasses.slice(faultClasses.indexOf('outage'), faultClasses.indexOf('disk-slow')),
  clock: ['clock-step', 'pause', 'kill', 'slow', 'request-lost'],
});

/** How much is asked of a coordinator. */
export interface Load {
  /** Sagas a minute, on average. */
  readonly perMinute: number;
  /** How many come at once now and then. */
  readonly burst: number;
  readonly payloadBytes: number;
  /** How many sagas are asked for twice, cancelled, terminated, looked at. */
  readonly twiceRatio: number;
  readonly cancelRatio: number;
  readonly terminateRatio: number;
  readonly readRatio: number;
  /** How often a person looks at what waits for one, in ms. */
  readonly attentionMs: number;
}

/** What a seed makes of a world, as data: a failure is kept with it, and stays what it was when other things are drawn. */
export interface WorldPlan {
  readonly rates: FaultRates;
  readonly load: Load;
  readonly options: {
    readonly journal: WalJournalOptions;
    readonly tempo: Pick<TempoOptions, 'concurrency' | 'crashLimit' | 'realertAfter'>;
  };
  readonly shapes: readonly SagaShape[];
}

/** A plan, and what its numbers do not say. */
export interface Swarm extends WorldPlan {
  clockFault(process: number): ClockFault;
  /** Without a barrier late calls are kept from doing harm by time alone, so such steps need clocks that are right. */
  adapt(shape: SagaShape): SagaShape;
}

// How often a fault strikes where its class is on: a ratio of opportunities, or a rate an hour for those that come by themselves.
const usualRates: Readonly<Record<FaultClass, number>> = {
  kill: 12,
  'power-cut': 8,
  pause: 12,
  'clock-step': 4,
  outage: 2,
  'disk-full': 2,
  'checkpoint-rot': 4,
  rival: 2,
  deploy: 3,
  'request-lost': 0.03,
  'reply-lost': 0.03,
  duplicate: 0.05,
  slow: 0.03,
  'half-open': 0.01,
  reset: 0.02,
  garbage: 0.01,
  transient: 0.1,
  busy: 0.03,
  'deaf-handler': 0.05,
  'client-request-lost': 0.03,
  'client-reply-lost': 0.03,
  'disk-slow': 0.01,
  'sync-fails': 0.0005,
  'read-fails': 0.0005,
  'short-io': 0.01,
  'store-slow': 0.005,
  'store-cut': 0.005,
  'store-unknown': 0.005,
  'hint-lost': 0.2,
  'node-cut': 12,
  promotion: 2,
};

const highestRatio = 0.3;

function drawRates(random: SeededRandom, allowed: readonly FaultClass[]): FaultRates {
  const rates: { [Kind in FaultClass]?: number } = {};
  for (const kind of faultClasses) {
    const stream = random.split(kind);
    const [isOn, much] = [stream() < 0.5, stream()];
    const usual = usualRates[kind];
    // From a tenth of the usual to ten times as much; where most calls fail, sagas do nothing but fail.
    const rate = usual * 10 ** (much * 2 - 1);
    if (isOn && allowed.includes(kind)) rates[kind] = usual < 1 ? Math.min(rate, highestRatio) : rate;
  }
  return rates;
}

function drawLoad(random: SeededRandom): Load {
  return {
    perMinute: pick(random, [6, 30, 60, 60, 120, 600]),
    burst: pick(random, [1, 1, 5, 20]),
    payloadBytes: pick(random, [0, 20, 200, 1500]),
    twiceRatio: pick(random, [0, 0.1, 0.5]),
    cancelRatio: pick(random, [0, 0.05, 0.3]),
    terminateRatio: pick(random, [0, 0, 0.02]),
    readRatio: pick(random, [0, 0.1]),
    attentionMs: pick(random, [10_000, 60_000, 600_000]),
  };
}

// How often what comes is a burst.
export const burstRatio = 0.05;

/** Sagas a minute, bursts included. */
function sagasAMinute({ perMinute, burst }: Load): number {
  return perMinute * (1 + burstRatio * (burst - 1));
}

const longestFactor = 4;

/** So many hours that about as many sagas come as in `hours` of a world with 60 a minute; quiet worlds are not made endless. */
export function hoursOfLoad(load: Load, hours: number): number {
  return hours * Math.min(longestFactor, 60 / sagasAMinute(load));
}

function drawOptions(random: SeededRandom, load: Load): Swarm['options'] {
  return {
    journal: {
      segmentBytes: pick(random, [16, 32, 64, 256]) * 1024,
      // A checkpoint holds all sagas that are open: one after every few records would be all that a busy world does.
      checkpointBytes: Math.max(pick(random, [16, 64, 512, Infinity]) * 1024, Math.round(sagasAMinute(load) * 512)),
      snapshotEvery: pick(random, [1, 3, 3, 10, Infinity]),
      retention: pick(random, ['1m', '10m', '2h']),
      // A client may ask for the same saga again long after its end, and must not be given a new one.
      tombstoneRetention: '1d',
      flush: pick<WalJournalOptions['flush'] & {}>(random, [
        {},
        {},
        'inline',
        { maxBatchRecords: 4 },
        { maxBatchBytes: 4096 },
        { maxBatchRecords: 4, maxWaitingAppends: 8 },
      ]),
    },
    tempo: {
      concurrency: pick(random, [1, 2, 8, 1000, 1000]),
      crashLimit: pick(random, [1, 2, 5, Infinity]),
      realertAfter: pick(random, ['1m', '1h']),
    },
  };
}

/** Where clocks are wrong, or callers change, time alone does not keep late calls from doing harm. */
export function withBarriers(shape: SagaShape): SagaShape {
  return { ...shape, stages: shape.stages.map(withBarrier) };
}

function withBarrier(stage: StageShape): StageShape {
  const barred = { barrier: true, maxFlightMs: 0 };
  if (stage.kind === 'call') return { ...stage, ...barred };
  if (stage.kind === 'pivot' || stage.kind === 'each') return { ...stage, call: { ...stage.call, ...barred } };
  if (stage.kind !== 'parallel') return stage;
  return { ...stage, branches: stage.branches.map((branch) => ({ ...branch, ...barred })) };
}

/** Draws the kind of world that a seed makes. */
export function drawPlan(seed: SeededRandom, profile: ProfileName): WorldPlan {
  const random = seed.split('swarm');
  const load = drawLoad(random.split('load'));
  return {
    rates: drawRates(random.split('rates'), profiles[profile]),
    load,
    options: drawOptions(random.split('options'), load),
    shapes: drawShapes(seed.split('shapes')),
  };
}

/** What a plan and a seed make together. */
export function swarmOf(seed: SeededRandom, plan: WorldPlan): Swarm {
  const clocks = seed.split('swarm').split('clocks');
  const wrongClocks = plan.rates['clock-step'] !== undefined;
  return {
    ...plan,
    clockFault: (process) => {
      const stream = clocks.split(`process ${process}`);
      if (!wrongClocks) return { skewMs: 0, rate: 1 };
      return { skewMs: Math.round((stream() - 0.5) * 20_000), rate: 1 + (stream() - 0.5) * 0.002 };
    },
    adapt: (shape) => (wrongClocks ? withBarriers(shape) : shape),
  };
}
