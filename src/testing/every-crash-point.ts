import { isDeepStrictEqual } from 'node:util';
import { MakegoodError } from '../errors.ts';
import type { SagaRecord } from '../saga/record.ts';
import { Lives, type TestTempoOptions } from './lives.ts';
import type { CrashPlan, NumberedAppend } from './mortal-process.ts';
import { type TestTempo, testTempoOn } from './test-tempo.ts';

/** One run of a scenario, in a world of its own: participants outlive the processes that crash, and not each other. */
export interface CrashScenario<Result> extends Omit<TestTempoOptions, keyof CrashPlan> {
  /** What the client does and what it sees; the outcome of a saga, say. Calls cut short are made again, so give ids. */
  readonly run: (tempo: TestTempo) => Promise<Result>;
  /** What the world looks like afterwards, such as a participant's effects that stand. Default: nothing. */
  readonly effects?: () => unknown;
}

/** A place where a process can die. */
export interface CrashPoint {
  /** Number of the record, from 1 in each process. */
  readonly record: number;
  /** Whether that record became durable before the process died. */
  readonly durable: boolean;
  /** What the record says, such as `step-confirmed of "charge" in saga "order-1"`. */
  readonly what: string;
}

/** What {@link forEveryCrashPoint} has tried. */
export interface CrashReport<Result> {
  /** The result without a crash, and so of every run. */
  readonly result: Result;
  readonly effects: unknown;
  /** Records that are written without a crash. */
  readonly records: number;
  /** How many runs with crashes there were. */
  readonly crashes: number;
}

/** Options of {@link forEveryCrashPoint}. */
export interface EveryCrashOptions {
  /** How many processes die, one after the other, in one run: each next one dies at each of its own points. Default 1. */
  readonly deaths?: 1 | 2;
}

/** A crash changed what a scenario comes to. */
export class CrashPointError extends MakegoodError {
  /** Where the processes died, in order. */
  readonly points: readonly CrashPoint[];
  readonly expected: unknown;
  readonly actual: unknown;
  /** Every record that became durable, in order. */
  readonly history: readonly SagaRecord[];

  constructor(points: readonly CrashPoint[], expected: unknown, actual: unknown, history: readonly SagaRecord[]) {
    const where = points.map(
      ({ record, durable, what }) => `${durable ? 'after' : 'before'} record ${record}, ${what}`,
    );
    const differs = `expected ${show(expected)}, got ${show(actual)}`;
    const told = `history: ${history.map(describe).join(', ')}`;
    super('MAKEGOOD_CRASH_POINT', `a crash ${where.join(', then ')}, changes the end: ${differs}; ${told}`, {
      cause: (actual as { readonly error?: unknown }).error,
    });
    this.points = points;
    this.expected = expected;
    this.actual = actual;
    this.history = history;
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (part instanceof Error ? String(part) : part));
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function describe(record: SagaRecord): string {
  return 'step' in record && record.step !== undefined ? `${record.type} of "${record.step}"` : record.type;
}

/** What a run came to, and where its last process could have died. */
interface Run<Result> {
  readonly end: { readonly result: Result; readonly effects: unknown } | { readonly error: unknown };
  readonly lives: readonly (readonly NumberedAppend[])[];
}

function planOf({ record, durable }: CrashPoint): CrashPlan {
  return durable ? { crashAfter: record } : { crashBefore: record };
}

function pointsOf(appends: readonly NumberedAppend[]): CrashPoint[] {
  return appends.flatMap(({ first, last, sagaId, records }) => [
    { record: first, durable: false, what: `${describe(records[0] as SagaRecord)} in saga "${sagaId}"` },
    { record: last, durable: true, what: `${describe(records.at(-1) as SagaRecord)} in saga "${sagaId}"` },
  ]);
}

async function runOnce<Result>(
  makeScenario: () => CrashScenario<Result>,
  points: readonly CrashPoint[],
): Promise<Run<Result>> {
  const { run, effects, ...options } = makeScenario();
  const lives = new Lives(options, points.map(planOf));
  await using tempo = testTempoOn(lives, await lives.tempo());
  try {
    const result = await tempo.until(run(tempo));
    await tempo.settle();
    return { end: { result, effects: effects?.() }, lives: lives.appends };
  } catch (error) {
    return { end: { error }, lives: lives.appends };
  }
}

/**
 * Runs a scenario once without a crash, then once for every point at which its process can die: right before and right
 * after each append becomes durable. Each time another process recovers, and what the client sees and what the
 * participants did must be as without a crash.
 *
 * Crashes cost attempts: a call that was in flight is made again under the next number. Leave a step as many.
 *
 * @param makeScenario makes a fresh world for each run: participants, sagas, and what the client does.
 * @param options.deaths how many processes die in one run. Default 1.
 * @throws {CrashPointError} at the first point that changes the end: where, what was expected, what came, and the history.
 * @example
 * const { crashes } = await forEveryCrashPoint(() => {
 *   const bank = scriptedParticipant();
 *   const pay = saga('pay').input<number>().step('charge', { run: bank.action, compensate: bank.compensation }).output();
 *   return {
 *     sagas: [pay],
 *     run: async (tempo) => (await tempo.start(pay, { id: 'pay-1', input: 7 })).outcome(),
 *     effects: () => bank.effects.standing,
 *   };
 * });
 * crashes >= 4 // => true
 */
export async function forEveryCrashPoint<Result>(
  makeScenario: () => CrashScenario<Result>,
  options: EveryCrashOptions = {},
): Promise<CrashReport<Result>> {
  const { deaths = 1 } = options;
  if (deaths !== 1 && deaths !== 2) throw new RangeError(`Expected deaths to be 1 or 2, got ${String(deaths)}`);
  const { end, lives } = await runOnce(makeScenario, []);
  if ('error' in end) throw end.error;
  let crashes = 0;
  const explore = async (before: readonly CrashPoint[], appends: readonly NumberedAppend[]): Promise<void> => {
    for (const point of pointsOf(appends)) {
      const points = [...before, point];
      const run = await runOnce(makeScenario, points);
      crashes++;
      if (!isDeepStrictEqual(run.end, end)) {
        const history = run.lives.flat().flatMap(({ records }) => records);
        throw new CrashPointError(points, end, run.end, history);
      }
      if (points.length < deaths) await explore(points, run.lives[points.length] ?? []);
    }
  };
  await explore([], lives[0] ?? []);
  return { ...end, records: lives[0]?.at(-1)?.last ?? 0, crashes };
}
