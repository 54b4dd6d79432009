import { MakegoodError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { type Fetch, systemFetch } from '../ports/http.ts';
import { uniqueId } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { checkName } from '../saga/names.ts';
import { remainingMs, withDeadline } from '../time/deadline.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { causeOf } from './answer.ts';
import { type ConformanceCheck, type ConformanceNeed } from './check.ts';
import { Mismatch } from './mismatch.ts';
import { conformanceChecks } from './conformance-checks.ts';
import { Subject, type SubjectSettings } from './subject.ts';

/** Options of {@link runConformance}. */
export interface ConformanceOptions {
  /** The address of the action. */
  readonly url: string | URL;
  /** The address of the compensation. Default that of the action. */
  readonly compensationUrl?: string | URL;
  /** The address of the status probe. Default that of the action. */
  readonly statusUrl?: string | URL;
  /** Counts effects: `GET <url>?saga=…&step=…` answers `{"applied":1,"undone":0}`. Default: only answers are judged. */
  readonly effectsUrl?: string | URL;
  /** The name of the step. Default `'conformance'`. */
  readonly step?: string;
  /** What the business accepts, again and again; `$saga` in a text stands for the saga's id. Default `{}`. */
  readonly input?: unknown;
  /** What the business refuses for certain. Default: the checks that need it are skipped. */
  readonly refusedInput?: unknown;
  /** Whether it answers status probes. Default `true`. */
  readonly probe?: boolean;
  /** Kills the participant and starts it again. Default: the checks that need it are skipped. */
  readonly restart?: () => Promise<void>;
  /** Names of checks to make. Default all. */
  readonly only?: readonly string[];
  /** The longest wait for one answer. Default `'5s'`. */
  readonly timeout?: Duration;
  /** Is told of each check when it is over. */
  readonly onResult?: (result: ConformanceResult) => void;
  /** Default `systemFetch`. A participant in this process: `(url, init) => handle(new Request(url, init))`. */
  readonly fetch?: Fetch;
  /** Default the system's clock. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** What came of one check. */
export interface ConformanceResult extends Pick<ConformanceCheck, 'name' | 'group' | 'level' | 'proves'> {
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly elapsedMs: number;
  /** What was expected and seen instead, or what is missing to make the check. */
  readonly reason?: string;
  /** What to look at first. */
  readonly advice?: string;
  /** What was said last, a line each, when it failed. */
  readonly exchanges?: readonly string[];
}

/** What came of all of them. */
export interface ConformanceReport {
  readonly url: string;
  /** `fails` when a check of level `must` failed. */
  readonly verdict: 'conforms' | 'fails';
  /** Whether effects were counted; otherwise only answers were judged. */
  readonly effects: 'counted' | 'not counted';
  readonly passed: number;
  readonly failed: number;
  /** Those of level `should` that failed. */
  readonly advised: number;
  readonly skipped: number;
  readonly results: readonly ConformanceResult[];
}

/** Nobody answers at the participant's address, so nothing can be said of it. */
export class ParticipantUnreachableError extends MakegoodError {
  readonly url: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super('MAKEGOOD_PARTICIPANT_UNREACHABLE', `no participant answers at ${url}: ${reason}`, options);
    this.url = url;
  }
}

function checkUrl(value: string | URL, name: string): string {
  const url = URL.parse(String(value));
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href;
  throw new TypeError(`Expected ${name} to be an http or https URL, got ${JSON.stringify(String(value))}`);
}

function resolveSettings(options: ConformanceOptions): SubjectSettings {
  const { url, compensationUrl = url, statusUrl = url, effectsUrl, step = 'conformance', timeout = '5s' } = options;
  const timeoutMs = toMs(timeout, 'timeout');
  if (timeoutMs < 1) throw new RangeError(`Expected timeout to be at least 1 ms, got ${timeoutMs}`);
  return {
    urls: {
      action: checkUrl(url, 'url'),
      compensation: checkUrl(compensationUrl, 'compensationUrl'),
      status: checkUrl(statusUrl, 'statusUrl'),
    },
    effectsUrl: effectsUrl === undefined ? undefined : checkUrl(effectsUrl, 'effectsUrl'),
    step: checkName(step, 'step'),
    input: options.input ?? {},
    refusedInput: options.refusedInput,
    timeoutMs,
    restart: options.restart,
    fetch: options.fetch ?? systemFetch,
    clock: options.clock ?? systemClock,
    signal: options.signal,
    runId: uniqueId().slice(0, 12),
  };
}

function chosenChecks(only: readonly string[] | undefined): readonly ConformanceCheck[] {
  if (only === undefined) return conformanceChecks;
  const names = new Set(conformanceChecks.map(({ name }) => name));
  const unknown = only.find((name) => !names.has(name));
  if (unknown !== undefined || only.length === 0)
    throw new RangeError(`Expected only to name checks (${[...names].join(', ')}), got ${JSON.stringify(unknown)}`);
  return conformanceChecks.filter(({ name }) => only.includes(name));
}

const missingWords: { readonly [Need in ConformanceNeed]: string } = {
  'refused-input': 'needs an input that the business refuses (refusedInput)',
  probe: 'the participant answers no status probes',
  restart: 'needs a way to restart the participant (restart)',
};

/** The first thing that a check needs and that was not given. */
function missingNeed(
  check: ConformanceCheck,
  { refusedInput, probe, restart }: ConformanceOptions,
): ConformanceNeed | undefined {
  const given: { readonly [Need in ConformanceNeed]: boolean } = {
    'refused-input': refusedInput !== undefined,
    probe: probe !== false,
    restart: restart !== undefined,
  };
  return check.needs.find((need) => !given[need]);
}

async function makeCheck(
  check: ConformanceCheck,
  options: ConformanceOptions,
  settings: SubjectSettings,
): Promise<ConformanceResult> {
  const { name, group, level, proves, advice } = check;
  const facts = { name, group, level, proves };
  const missing = missingNeed(check, options);
  if (missing !== undefined) return { ...facts, status: 'skipped', elapsedMs: 0, reason: missingWords[missing] };
  const subject = new Subject({ ...settings, runId: `${settings.runId}-${name}` });
  const startedMs = settings.clock.monotonicMs();
  const elapsedMs = (): number => Math.round(settings.clock.monotonicMs() - startedMs);
  try {
    await check.run(subject);
    return { ...facts, status: 'passed', elapsedMs: elapsedMs() };
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    const { exchanges } = subject;
    return { ...facts, status: 'failed', elapsedMs: elapsedMs(), reason: error.message, advice, exchanges };
  }
}

/** One request of no saga, whatever its answer: nothing can be said of a participant that is not there. */
async function expectReachable({ fetch, clock, urls, timeoutMs, signal: parent }: SubjectSettings): Promise<void> {
  using signal = withDeadline(parent, timeoutMs, { clock });
  try {
    const answer = await fetch(urls.action, { redirect: 'manual', signal });
    await answer.text();
  } catch (error) {
    parent?.throwIfAborted();
    const why = remainingMs(signal) === 0 ? `nothing within ${timeoutMs} ms` : causeOf(error);
    throw new ParticipantUnreachableError(urls.action, why, { cause: error });
  }
}

/**
 * Finds out whether a participant keeps the protocol, from outside: it makes the calls that a coordinator would make, in
 * the orders that go wrong, and judges the answers and, where they can be counted, the effects. The participant may be of
 * any language. Its business does what it is asked, so point it at a database that may be written to.
 *
 * @param options.url where the action is called.
 * @param options.effectsUrl where effects are counted; without it a second effect behind a right answer is not seen.
 * @param options.input what the business accepts. Default `{}`.
 * @param options.refusedInput what it refuses.
 * @param options.restart kills it and starts it again.
 * @returns the report; a check that fails does not reject.
 * @throws {ParticipantUnreachableError} when nobody answers at `url`.
 * @throws {TypeError} or {RangeError} when an option is not what it must be.
 * @example
 * const handle = participant({ actions: { reserve: { run: () => ({ reserved: 1 }) } }, barrier: memoryBarrier() });
 * const fetch = (url, init) => handle(new Request(url, init));
 * const { verdict } = await runConformance({ url: 'http://inventory/reserve', fetch, only: ['duplicate-replays'] });
 * verdict // => 'conforms'
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const settings = resolveSettings(options);
  const checks = chosenChecks(options.only);
  await expectReachable(settings);
  const results: ConformanceResult[] = [];
  for (const check of checks) {
    options.signal?.throwIfAborted();
    const result = await makeCheck(check, options, settings);
    results.push(result);
    options.onResult?.(result);
  }
  const count = (status: ConformanceResult['status'], level?: ConformanceResult['level']): number =>
    results.filter((result) => result.status === status && (level === undefined || result.level === level)).length;
  const failed = count('failed', 'must');
  return {
    url: settings.urls.action,
    verdict: failed === 0 ? 'conforms' : 'fails',
    effects: settings.effectsUrl === undefined ? 'not counted' : 'counted',
    passed: count('passed'),
    failed,
    advised: count('failed', 'should'),
    skipped: count('skipped'),
    results,
  };
}
