import { uniqueId } from '../ports/random.ts';
import type { Saga } from '../saga/definition.ts';
import type { SagaHandle } from '../tempo/saga-handle.ts';
import type { StartOptions, Tempo } from '../tempo/tempo.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { Lives, type RestartOptions, type TestTempoOptions } from './lives.ts';
import type { TestClock } from './test-clock.ts';

/**
 * A coordinator in a process that can die, in time that moves only when told to; made by {@link testTempo}.
 *
 * The test is a client outside that process: a call, or a wait for an outcome, that the process's death cuts short is
 * made again on the next one, which starts at once on what was durable.
 */
export interface TestTempo extends Tempo {
  readonly clock: TestClock;
  /** How many processes there have been; 1 until the first has died. */
  readonly lives: number;
  /** Moves time on; each timer on the way fires, and what it leads to is durable, before the next one. */
  advance(duration: Duration): Promise<void>;
  /** Jumps from timer to timer until none is left and nothing goes on without a signal. Resolves with the time passed, in ms. */
  settle(): Promise<number>;
  /**
   * Moves time as far as it takes for a promise to settle.
   *
   * @throws {RangeError} when no timer is left and it has not: it waits for a signal, a person, or something real.
   */
  until<Value>(promise: Promise<Value>): Promise<Value>;
  /** Kills the process as it stands (`kill -9`, and the power goes too) and starts another on what was durable. */
  restart(options?: RestartOptions): Promise<void>;
  /** Kills the process and starts no other. Nothing is waited for, so no test hangs at its end. Safe to call twice. */
  close(): Promise<void>;
}

async function until<Value>(clock: TestClock, promise: Promise<Value>): Promise<Value> {
  const open = new Set([promise]);
  const settle = (): void => open.clear();
  promise.then(settle, settle);
  await clock.settle();
  while (open.size > 0) {
    if (!(await clock.fireNext()) && open.size > 0)
      throw new RangeError(
        'Expected the promise to settle with time, but no timer is left; it waits for something else',
      );
  }
  return promise;
}

/** The part of a {@link TestTempo} that is not the coordinator's own. */
function controlsOf(
  lives: Lives,
): Omit<
  TestTempo,
  Exclude<
    keyof Tempo,
    'start' | 'restartAsNew' | 'close' | 'policies' | 'register' | 'recordsAfter' | typeof Symbol.asyncDispose
  >
> {
  const { clock } = lives;
  const close = (): Promise<void> => Promise.resolve(lives.end());
  return {
    clock,
    get lives() {
      return lives.appends.length;
    },
    // What answers at once is asked of the process that runs; a new process begins with the options again.
    get policies() {
      return lives.opened.policies;
    },
    register: (saga) => lives.opened.register(saga),
    recordsAfter: (position) => lives.opened.recordsAfter(position),
    start: (saga, options) => start(lives, saga, options),
    restartAsNew: (id, options) => outliving(lives, (tempo) => tempo.restartAsNew(id, options)),
    advance: (duration) => clock.advance(toMs(duration, 'duration')),
    settle: () => clock.runAll(),
    until: (promise) => until(clock, promise),
    restart: (options = {}) => lives.restart(options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function start<Input, Output>(
  lives: Lives,
  saga: Saga<Input, Output>,
  options: StartOptions<Input>,
): Promise<SagaHandle<Output>> {
  // The id is drawn once: whoever asks again means the same saga.
  const request = { ...options, id: options.id ?? uniqueId(lives.random) };
  return outliving(lives, (tempo) => tempo.start(saga, request));
}

/** A handle that is asked for again, of the next process, when the one that gave it has died. */
async function outliving<Output>(
  lives: Lives,
  ask: (tempo: Tempo) => Promise<SagaHandle<Output>>,
): Promise<SagaHandle<Output>> {
  const first = await lives.outlive(ask);
  return {
    ...first,
    result: (wait) => lives.outlive(async (tempo) => (await ask(tempo)).result(wait)),
    outcome: (wait) => lives.outlive(async (tempo) => (await ask(tempo)).outcome(wait)),
  };
}

/**
 * Everything else that a coordinator can do, asked of whichever runs. By name, so that a test can do at once what a
 * coordinator learns.
 *
 * @param shape a coordinator, or the part of one that `reach` gives: which names there are.
 */
function relay<Part extends object>(lives: Lives, shape: Part, reach: (tempo: Tempo) => object): Part {
  return new Proxy(shape, {
    get(_, name) {
      const member: unknown = Reflect.get(shape, name, shape);
      const find = (tempo: Tempo): unknown => Reflect.get(reach(tempo), name, reach(tempo));
      if (typeof member === 'object' && member !== null) return relay(lives, member, (tempo) => find(tempo) as object);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        lives.outlive((tempo) => Reflect.apply(find(tempo) as () => unknown, reach(tempo), args));
    },
  });
}

/**
 * Opens a coordinator for a test of your sagas: in virtual time, on the real write-ahead log over a disk in memory, in a
 * process that can be killed. What you wait for needs time to move: `advance`, `settle`, or `until(promise)`.
 *
 * @param options those of `openTempo` but the journal, the clock and chance, which the test has its own of.
 * @param options.crashAfter the process dies right after this record is durable.
 * @param options.crashBefore the process dies right before this record is durable.
 * @returns the coordinator, to be closed: `await using tempo = await testTempo({ sagas })`.
 * @example
 * const patient = saga('patient').input<null>().step('ask', {
 *   run: ({ attempt }) => {
 *     if (attempt < 3) throw Object.assign(new Error('maintenance'), { status: 503 });
 *     return 'answered';
 *   },
 *   readOnly: true, retry: { backoff: constant('1h') },
 * }).output(({ results }) => results.ask);
 * await using tempo = await testTempo({ sagas: [patient] });
 * const run = await tempo.start(patient, { input: null });
 * await tempo.advance('1h');
 * await tempo.restart(); // the process dies during the backoff
 * await tempo.until(run.result()) // => 'answered'
 */
export async function testTempo(options: TestTempoOptions): Promise<TestTempo> {
  const lives = new Lives(options);
  const shape = await lives.tempo();
  return testTempoOn(lives, shape);
}

/**
 * A {@link TestTempo} on processes that someone else looks into.
 *
 * @internal
 */
export function testTempoOn(lives: Lives, shape: Tempo): TestTempo {
  const controls = controlsOf(lives);
  const others = relay(lives, shape, (tempo) => tempo);
  return new Proxy(controls, {
    get: (own, name) => Reflect.get(Reflect.has(own, name) ? own : others, name) as unknown,
  }) as TestTempo;
}
