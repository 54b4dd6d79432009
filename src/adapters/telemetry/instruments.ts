/** What a metric is, whoever keeps it. */
export interface Instrument {
  /** A `counter` only grows; a `level` rises and falls; a `histogram` tells how values are spread. */
  readonly kind: 'counter' | 'level' | 'histogram';
  /** UCUM: `s`, or what is counted in braces. */
  readonly unit: string;
  readonly description: string;
  /** The attributes that each measurement has. */
  readonly attributes: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/** The name of a metric. */
export type InstrumentName =
  | 'makegood.operation.duration'
  | 'makegood.attempts'
  | 'makegood.attempt.duration'
  | 'makegood.retries'
  | 'makegood.retry.delay'
  | 'makegood.guard.refusals'
  | 'makegood.guard.waits'
  | 'makegood.guard.faults'
  | 'makegood.guard.trips'
  | 'makegood.timeouts'
  | 'makegood.breaker.transitions'
  | 'makegood.breakers.open'
  | 'makegood.sagas.started'
  | 'makegood.sagas.active'
  | 'makegood.sagas.blocked'
  | 'makegood.sagas.escalated'
  | 'makegood.saga.duration'
  | 'makegood.saga.outcomes.stale'
  | 'makegood.tempo.recovery.duration'
  | 'makegood.tempo.failures';

// The bounds that OpenTelemetry's HTTP conventions advise for durations in seconds.
const callSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const waitSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const sagaSeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];

/**
 * Every metric, by name. An operation is a retried call, or a step of a saga (`place-order/charge`, and
 * `place-order/charge/compensation` for its undoing), so that one chart shows all retries.
 */
export const instruments: Readonly<Record<InstrumentName, Instrument>> = {
  'makegood.operation.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time a retried call took, all attempts and waits together.',
    attributes: ['makegood.operation.name', 'makegood.operation.outcome'],
    buckets: callSeconds,
  },
  'makegood.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'Attempts that have ended.',
    attributes: ['makegood.operation.name', 'makegood.attempt.outcome', 'error.type'],
  },
  'makegood.attempt.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time one attempt took.',
    attributes: ['makegood.operation.name', 'makegood.attempt.outcome'],
    buckets: callSeconds,
  },
  'makegood.retries': {
    kind: 'counter',
    unit: '{retry}',
    description: 'Retries decided upon, by what made them necessary.',
    attributes: ['makegood.operation.name', 'error.type'],
  },
  'makegood.retry.delay': {
    kind: 'histogram',
    unit: 's',
    description: 'Wait before a retry.',
    attributes: ['makegood.operation.name'],
    buckets: waitSeconds,
  },
  'makegood.guard.refusals': {
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that a guard did not let in.',
    attributes: ['makegood.guard.name', 'error.type'],
  },
  'makegood.guard.waits': {
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that had to wait for their place at a guard.',
    attributes: ['makegood.guard.name'],
  },
  'makegood.guard.faults': {
    kind: 'counter',
    unit: '{fault}',
    description: 'Times that a function given to a guard has thrown.',
    attributes: ['makegood.guard.name'],
  },
  'makegood.guard.trips': {
    kind: 'counter',
    unit: '{trip}',
    description: 'Times that a retry counter reached its threshold.',
    attributes: ['makegood.guard.name'],
  },
  'makegood.timeouts': {
    kind: 'counter',
    unit: '{timeout}',
    description: 'Calls that a timeout policy has ended.',
    attributes: ['makegood.guard.name'],
  },
  'makegood.breaker.transitions': {
    kind: 'counter',
    unit: '{transition}',
    description: 'Times that a circuit breaker changed to a state.',
    attributes: ['makegood.guard.name', 'makegood.breaker.state'],
  },
  'makegood.breakers.open': {
    kind: 'level',
    unit: '{breaker}',
    description: 'Circuit breakers that are not closed.',
    attributes: ['makegood.guard.name'],
  },
  'makegood.sagas.started': {
    kind: 'counter',
    unit: '{saga}',
    description: 'Sagas accepted.',
    attributes: ['makegood.saga.name'],
  },
  'makegood.sagas.active': {
    kind: 'level',
    unit: '{saga}',
    description: 'Sagas accepted or recovered that have not ended.',
    attributes: [],
  },
  'makegood.sagas.blocked': {
    kind: 'level',
    unit: '{saga}',
    description: 'Unfinished sagas whose definition this process lacks, as found at its start.',
    attributes: [],
  },
  'makegood.sagas.escalated': {
    kind: 'counter',
    unit: '{saga}',
    description: 'Times that automation gave a saga up to a person.',
    attributes: ['makegood.saga.name'],
  },
  'makegood.saga.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time from acceptance to the end of a saga, restarts included.',
    attributes: ['makegood.saga.name', 'makegood.saga.outcome'],
    buckets: sagaSeconds,
  },
  'makegood.saga.outcomes.stale': {
    kind: 'counter',
    unit: '{outcome}',
    description: 'Outcomes of attempts that came too late and were discarded.',
    attributes: [],
  },
  'makegood.tempo.recovery.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Time to read the journal when a coordinator opened.',
    attributes: [],
    buckets: waitSeconds,
  },
  'makegood.tempo.failures': {
    kind: 'counter',
    unit: '{failure}',
    description: 'Times that a coordinator stopped because its journal failed.',
    attributes: [],
  },
};

/** Attributes of one measurement. */
export type MeasureAttributes = Readonly<Record<string, string>>;

/** Where measurements go. */
export type Measure = (instrument: InstrumentName, value: number, attributes: MeasureAttributes) => void;
