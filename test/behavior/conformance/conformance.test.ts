import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ConformanceOptions, type ConformanceReport, runConformance } from '../../../src/conformance/index.ts';
import { conformanceChecks } from '../../../src/conformance/conformance-checks.ts';
import { testClock } from '../../../src/testing/index.ts';
import { type Bug, CarelessParticipant } from './careless-participant.ts';

const url = 'http://inventory/reserve';

async function judge(bug?: Bug, options: Partial<ConformanceOptions> = {}): Promise<ConformanceReport> {
  const participant = new CarelessParticipant(bug);
  return await runConformance({
    url,
    effectsUrl: 'http://inventory/effects',
    input: { sku: 'tea', quantity: 1 },
    refusedInput: { sku: 'tea', quantity: 9 },
    restart: async () => participant.restart(),
    fetch: participant.fetch,
    ...options,
  });
}

function failures({ results }: ConformanceReport): string[] {
  return results.filter(({ status }) => status === 'failed').map(({ name }) => name);
}

test('a participant that keeps the protocol passes every check, and none is skipped', async () => {
  const report = await judge();
  expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(report).toMatchObject({
    verdict: 'conforms',
    passed: conformanceChecks.length,
    failed: 0,
    effects: 'counted',
  });
});

/** Each rule broken alone, and the checks that find it. */
const found: { readonly [Name in Bug]: readonly string[] } = {
  'knows no duplicates': [
    'duplicate-replays',
    'concurrent-duplicates',
    'late-duplicate',
    'epoch-raised-by-duplicate',
    'refusal-kept',
    'deadline-between',
    'caller-hangs-up',
    'restart-keeps',
    'killed-at-work',
  ],
  'answers duplicates without the reply': [
    'duplicate-replays',
    'concurrent-duplicates',
    'late-duplicate',
    'epoch-raised-by-duplicate',
    'unknown-headers',
    'refusal-kept',
    'deadline-between',
    'caller-hangs-up',
    'restart-keeps',
    'killed-at-work',
  ],
  'locks nothing': [
    'concurrent-duplicates',
    'concurrent-compensations',
    'action-meets-compensation',
    'probe-meets-action',
  ],
  'locks each phase apart': ['action-meets-compensation', 'probe-meets-action'],
  'looks at the row before it has the lock': [
    'concurrent-duplicates',
    'concurrent-compensations',
    'action-meets-compensation',
    'probe-meets-action',
  ],
  'keys by saga alone': ['steps-apart'],
  'keys without regard to case': ['sagas-apart', 'steps-apart'],
  'cuts ids at 64 characters': ['sagas-apart'],
  'writes effects outside the transaction': ['refused-undone', 'refusal-kept', 'deadline-between', 'killed-at-work'],
  'commits the row before the effect': ['deadline-between', 'killed-at-work'],
  'leaves no tombstone for a compensation': [
    'late-action',
    'aborted-code',
    'epoch-raised-by-compensation',
    'restart-keeps',
  ],
  'leaves no tombstone for a probe': ['probe-none', 'stale-probe'],
  'undoes what was never done': [
    'null-compensation',
    'late-action',
    'aborted-code',
    'epoch-raised-by-compensation',
    'restart-keeps',
  ],
  'undoes what was refused': ['refused-undone'],
  'undoes again': ['compensation-once', 'concurrent-compensations', 'restart-keeps'],
  'undoes nothing': [
    'compensation-undoes',
    'compensation-once',
    'concurrent-compensations',
    'output-unknown',
    'late-duplicate',
    'action-meets-compensation',
    'higher-epoch-passes',
    'restart-keeps',
  ],
  'forgets a step that is undone': ['late-duplicate'],
  'needs the output to undo': [
    'concurrent-compensations',
    'output-unknown',
    'null-compensation',
    'late-action',
    'late-duplicate',
    'action-meets-compensation',
    'refused-undone',
    'aborted-code',
    'epoch-raised-by-compensation',
    'higher-epoch-passes',
    'probe-none',
    'restart-keeps',
  ],
  'ignores epochs': [
    'stale-action',
    'stale-compensation',
    'epoch-raised-by-duplicate',
    'epoch-raised-by-compensation',
    'wide-epoch',
    'stale-probe',
    'restart-keeps',
  ],
  'ignores the epoch of compensations': [
    'stale-compensation',
    'epoch-raised-by-duplicate',
    'epoch-raised-by-compensation',
    'stale-probe',
  ],
  'replays to a stale epoch': ['stale-action', 'wide-epoch', 'restart-keeps'],
  'keeps the first epoch': ['epoch-raised-by-duplicate'],
  'keeps epochs in 32 bits': ['wide-epoch'],
  'forgets refusals': ['refusal-kept'],
  'refuses with 400': ['refused-undone', 'probe-refused', 'refusal-kept'],
  'keeps what was written before the refusal': ['refused-undone', 'refusal-kept'],
  'calls refused applied': ['probe-refused'],
  'probes without the lock': ['probe-meets-action'],
  'probes without the output': ['probe-applied'],
  'makes headers up': ['headers-required', 'key-of-the-call'],
  'reads numbers leniently': ['numbers-strict'],
  'takes any phase for an action': ['phase-known'],
  'takes any key': ['key-of-the-call'],
  'takes any id': ['names-strict'],
  'takes any method': ['post-only'],
  'takes any body': ['refused-undone', 'probe-refused', 'body-json', 'refusal-kept', 'refusal-speaks', 'effect-none'],
  'reads bodies without end': ['body-bounded'],
  'refuses headers that it does not know': ['unknown-headers'],
  'answers in plain text': ['action-answers', 'refusal-speaks'],
  'answers late calls done': ['late-action', 'aborted-code', 'probe-none', 'restart-keeps'],
  'keeps rows in memory': ['restart-keeps', 'killed-at-work'],
  'works after the time is up': ['deadline-passed'],
};

// Whether the caller hangs up before an answer or after it depends on how busy the machine is.
const byChance: ReadonlySet<string> = new Set(['caller-hangs-up']);

test.concurrent.for(Object.entries(found) as [Bug, readonly string[]][])(
  'a participant that %s is found out',
  async ([bug, checks]) => {
    const report = await judge(bug);
    const failed = failures(report);
    expect(failed.filter((name) => !byChance.has(name))).toEqual(checks.filter((name) => !byChance.has(name)));
    expect(checks).toEqual(expect.arrayContaining(failed));
    const musts = report.results.filter(({ status, level }) => status === 'failed' && level === 'must');
    expect(report.verdict).toBe(musts.length > 0 ? 'fails' : 'conforms');
  },
);

test('there is no check that nothing can fail', () => {
  const failing = new Set(Object.values(found).flat());
  expect(conformanceChecks.map(({ name }) => name).filter((name) => !failing.has(name))).toEqual([]);
});

test('what fails says what was seen, what to look at, and what was said last', async () => {
  const { results } = await judge('leaves no tombstone for a probe', { only: ['probe-none'] });
  expect(results[0]).toMatchObject({
    status: 'failed',
    reason: 'Expected an action that comes after the probe said "none" to be answered 409, got 200 {"reserved":1}',
    advice: expect.stringContaining('Write the tombstone') as unknown,
  });
  expect(results[0]?.exchanges?.at(-1)).toMatch(
    /^action conformance-\w{12}-probe-none-1\/conformance attempt 1 epoch 1 → 200 \{"reserved":1\}$/,
  );
});

test('without effects, refused input or restart less is seen, and the report says so', async () => {
  const { fetch } = new CarelessParticipant('undoes nothing');
  const report = await runConformance({ url, fetch, probe: false });
  expect(report).toMatchObject({ verdict: 'conforms', effects: 'not counted', failed: 0 });
  const skipped = report.results.filter(({ status }) => status === 'skipped');
  expect(new Set(skipped.map(({ reason }) => reason))).toEqual(
    new Set([
      'needs an input that the business refuses (refusedInput)',
      'the participant answers no status probes',
      'needs a way to restart the participant (restart)',
    ]),
  );
  expect(report.skipped).toBe(skipped.length);
});

const never = async (): Promise<Response> => new Response(null, { status: 425, headers: { 'Retry-After': '99' } });

const silent = async (_: unknown, init?: RequestInit): Promise<Response> => {
  if (init?.method === undefined) return new Response();
  return await new Promise((_resolve, reject) => {
    init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });
};

const refused = async (): Promise<Response> => {
  throw new TypeError('fetch failed', { cause: new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:9')]) });
};

test('a participant that never comes to an end, or not in time, fails the check', async () => {
  const clock = testClock();
  const judged = runConformance({ url, fetch: never, clock, only: ['action-answers'] });
  await clock.advance(60_000);
  expect((await judged).results[0]?.reason).toBe(
    'Expected the action to be settled within 15000 ms, got 425 without a body',
  );
  const waited = runConformance({ url, fetch: silent, clock, only: ['action-answers'], timeout: '2s' });
  await clock.advance(5000);
  expect((await waited).results[0]?.reason).toMatch(/to the action of conformance-.+, got none within 2000 ms$/);
});

test('an address where effects cannot be counted fails the check that wants them', async () => {
  const { results } = await judge(undefined, { effectsUrl: `${url}?nothing`, only: ['action-answers'] });
  expect(results[0]?.reason).toMatch(
    /^Expected the effects to be 200 \{"applied":<count>,"undone":<count>\}, got 405 /,
  );
});

test('where nobody answers nothing is judged', async () => {
  await expect(runConformance({ url, fetch: refused })).rejects.toMatchObject({
    code: 'MAKEGOOD_PARTICIPANT_UNREACHABLE',
    message: `no participant answers at ${url}: connect ECONNREFUSED 127.0.0.1:9`,
  });
});

test('where somebody listens and says nothing, nothing is judged either', async () => {
  const clock = testClock();
  const judged = runConformance({
    url,
    fetch: async (at, init) => silent(at, { ...init, method: 'GET' }),
    clock,
    timeout: '3s',
  });
  const [, { message }] = (await Promise.all([clock.advance(5000), judged.catch((error: Error) => error)])) as [
    void,
    Error,
  ];
  expect(message).toBe(`no participant answers at ${url}: nothing within 3000 ms`);
});

test('an abort ends it, with the reason of the abort', async () => {
  const { fetch } = new CarelessParticipant();
  const controller = new AbortController();
  const onResult = (): void => controller.abort(new Error('enough'));
  await expect(runConformance({ url, fetch, onResult, signal: controller.signal })).rejects.toThrow('enough');
});

test.for<[Partial<ConformanceOptions>, string]>([
  [{ url: 'ftp://inventory' }, 'Expected url to be an http or https URL, got "ftp://inventory"'],
  [{ effectsUrl: 'effects' }, 'Expected effectsUrl to be an http or https URL, got "effects"'],
  [{ step: 'a b' }, 'Expected step to be 1 to 200 of A-Z'],
  [{ timeout: 0 }, 'Expected timeout to be at least 1 ms, got 0'],
  [{ only: ['nope'] }, 'Expected only to name checks (action-answers, '],
  [{ only: [] }, 'Expected only to name checks (action-answers, '],
])('%j is refused at once', async ([options, message]) => {
  await expect(judge(undefined, options)).rejects.toThrow(message);
});

test('docs/reference/conformance.md lists every check, with what it proves', () => {
  const page = readFileSync(new URL('../../../docs/reference/conformance.md', import.meta.url), 'utf8');
  const rows = conformanceChecks.map(
    ({ name, group, level, proves, needs }) =>
      `| \`${name}\` | ${group} | ${level} | ${proves} |${needs.length > 0 ? ` ${needs.join(', ')} |` : ' |'}`,
  );
  expect(page.split('\n').filter((line) => /^\| `[\w-]+` \| \w+ \| (?:must|should) /.test(line))).toEqual(rows);
});
