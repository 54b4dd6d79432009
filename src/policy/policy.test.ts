import { expect, test } from 'vitest';
import { type Call, callOf, type ExecuteOptions } from './call.ts';
import { compose } from './compose.ts';
import { type Policy, wrapWith } from './policy.ts';

function tracing(name: string, trace: string[]): Policy {
  const policy: Policy = {
    async execute(fn, options) {
      trace.push(`${name} in`);
      try {
        return await fn(callOf(options));
      } finally {
        trace.push(`${name} out`);
      }
    },
    wrap: (fn) => wrapWith(policy, fn),
  };
  return policy;
}

const load = async ({ signal }: Call, id: string, count = 1): Promise<string> => `${id}${count}${signal.aborted}`;

test('runs the outermost first, and unwinds the other way round, also when the function throws', async () => {
  const trace: string[] = [];
  const policy = compose(tracing('a', trace), tracing('b', trace), tracing('c', trace));
  const failed = policy.execute(() => {
    trace.push('fn');
    throw new Error('odd');
  });
  await expect(failed).rejects.toThrow('odd');
  expect(trace).toEqual(['a in', 'b in', 'c in', 'fn', 'c out', 'b out', 'a out']);
});

test("the caller's signal reaches the function, through any number of policies", async () => {
  const { signal } = new AbortController();
  const trace: string[] = [];
  for (const policy of [compose(), compose(tracing('a', trace)), compose(tracing('a', trace), tracing('b', trace))]) {
    expect(await policy.execute((call) => call.signal, { signal })).toBe(signal);
    expect(await policy.execute((call) => call.signal.aborted)).toBe(false);
  }
});

test('a policy inside another is handed its call as it is, and the signal is made only when it is asked for', async () => {
  let made = 0;
  const options: ExecuteOptions = {
    get signal() {
      made += 1;
      return undefined;
    },
  };
  await compose(tracing('a', []), tracing('b', [])).execute(() => 'unsigned', options);
  expect(made).toBe(1);
  const call = callOf(undefined);
  expect(callOf(call)).toBe(call);
  expect(call.signal).toBe(call.signal);
  expect(callOf(undefined).signal).not.toBe(call.signal);
});

test('a wrapped function takes its own arguments and hands the call on before them', async () => {
  const trace: string[] = [];
  expect(await compose().wrap(load)('a', 2)).toBe('a2false');
  expect(await compose(tracing('a', trace), tracing('b', trace)).wrap(load)('b')).toBe('b1false');
  expect(trace).toHaveLength(4);
});

test('what is no policy is refused at once', () => {
  expect(() => compose(compose(), undefined as never)).toThrow(
    new TypeError('Expected policy 2 to have an execute function, got undefined'),
  );
});
