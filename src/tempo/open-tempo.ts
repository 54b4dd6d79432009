import { isShared } from '../journal/shared-journal.ts';
import { systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { toMs } from '../time/duration.ts';
import { Coordinator, type CoordinatorParts } from './coordinator.ts';
import { checkTargets } from './check-targets.ts';
import { PolicyTable } from './policies.ts';
import { Registry } from './registry.ts';
import { steadyClock } from './steady-clock.ts';
import { type Tempo, tempoDefaults, type TempoOptions } from './tempo.ts';

function checkCount(name: string, value: number, allowed: string, isAllowed: boolean): number {
  if (isAllowed) return value;
  throw new RangeError(`Expected ${name} to be ${allowed}, got ${String(value)}`);
}

/** Options checked and complete. */
function resolveOptions(options: TempoOptions): CoordinatorParts {
  const { concurrency, crashLimit, realertAfter, stranded } = { ...tempoDefaults, ...options };
  const registry = new Registry(options.sagas, options.readPlan);
  if (stranded !== 'refuse' && stranded !== 'block') {
    throw new TypeError(`Expected stranded to be "refuse" or "block", got ${String(stranded)}`);
  }
  const realertMs = toMs(realertAfter, 'realertAfter');
  const counted = Number.isInteger(crashLimit) || crashLimit === Infinity;
  return {
    journal: options.journal,
    clock: isShared(options.journal) ? options.journal.clock : steadyClock(options.clock ?? systemClock),
    random: options.random ?? systemRandom,
    observer: options.observer,
    caller: checkCaller(options),
    registry,
    policies: new PolicyTable(registry, options.policies),
    guards: checkGuards(options.guards ?? {}),
    concurrency: checkCount(
      'concurrency',
      concurrency,
      'an integer ≥ 1',
      Number.isInteger(concurrency) && concurrency >= 1,
    ),
    crashLimit: checkCount('crashLimit', crashLimit, 'an integer ≥ 1 or Infinity', counted && crashLimit >= 1),
    realertMs: checkCount('realertAfter', realertMs, 'at least 1 s', realertMs >= 1000),
    stranded,
  };
}

function checkCaller({ caller, sagas }: TempoOptions): TempoOptions['caller'] {
  if (caller !== undefined && (typeof caller.call !== 'function' || typeof caller.check !== 'function')) {
    throw new TypeError(`Expected caller to be an object with call and check, got ${typeof caller}`);
  }
  for (const saga of sagas) checkTargets(saga, caller);
  return caller;
}

function checkGuards(guards: NonNullable<TempoOptions['guards']>): NonNullable<TempoOptions['guards']> {
  for (const [name, guard] of Object.entries(guards)) {
    if (typeof guard?.execute === 'function') continue;
    throw new TypeError(`Expected guard "${name}" to be a policy with an execute function, got ${typeof guard}`);
  }
  return guards;
}

/**
 * Opens a coordinator on a journal and takes up every unfinished saga where its records end: confirmed steps are not run
 * again, waits that were running go on, attempts that were in flight are made again under the next number.
 *
 * @param options.journal where sagas are kept, such as `await openWalJournal('./makegood-data')`.
 * @param options.sagas the definitions it can drive; an unfinished saga of another definition waits, untouched.
 * @throws {RangeError | TypeError} for options out of range, or two definitions with one name and version.
 * @example
 * const greet = saga('greet').input<string>().step('greet', { run: ({ input }) => `Hello ${input}`, readOnly: true })
 *   .output(({ results }) => results.greet);
 * await using tempo = await openTempo({ journal: memoryJournal(), sagas: [greet] });
 * const run = await tempo.start(greet, { id: 'greet-1', input: 'Ada' });
 * await run.result() // => 'Hello Ada'
 */
export async function openTempo(options: TempoOptions): Promise<Tempo> {
  const coordinator = new Coordinator(resolveOptions(options));
  try {
    await coordinator.recover();
  } catch (error) {
    // What could not be opened must not keep the journal's lock.
    await options.journal.close();
    throw error;
  }
  return coordinator;
}
