import { expect, test } from 'vitest';
import { type AdmissionGuard, type Departure, isAdmissionGuard, refused } from './admission.ts';
import { AdmissionPolicy } from './admission-policy.ts';
import { type ExecuteOptions, OpenCall } from './call.ts';
import { compose } from './compose.ts';
import { type Policy, wrapWith } from './policy.ts';
import { RefusedError } from './refused-error.ts';

/** A guard that admits `places` calls at once, hands out growing tickets, and writes down what happens to it. */
class Gate extends AdmissionPolicy {
  readonly trace: string[];
  readonly name: string;
  readonly waiting: ((ticket: number) => void)[] = [];
  places: number;
  queues = false;
  private tickets = 0;

  constructor(name: string, trace: string[], places: number = Infinity) {
    super();
    this.name = name;
    this.trace = trace;
    this.places = places;
  }

  tryEnter(): number {
    if (this.places === 0) return refused;
    this.places -= 1;
    const ticket = this.tickets++;
    this.trace.push(`${this.name} in ${ticket}`);
    return ticket;
  }

  override enter(options?: ExecuteOptions): number | Promise<number> {
    const ticket = this.tryEnter();
    if (ticket >= 0 || !this.queues) return ticket;
    return new Promise((resolve, reject) => {
      this.waiting.push((late) => (late === refused ? reject(options?.signal?.reason as Error) : resolve(late)));
    });
  }

  refusal(): RefusedError {
    return new RefusedError('MAKEGOOD_BULKHEAD_FULL', `${this.name} is full`, { guard: this.name });
  }

  leave(ticket: number, departure: Departure, error?: unknown): void {
    this.places += 1;
    this.trace.push(`${this.name} ${departure} ${ticket}${error === undefined ? '' : ` ${messageOf(error)}`}`);
  }

  override wouldRefuse(delayMs: number): boolean {
    return this.places === 0 && delayMs < 100;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.name : (error as string);
}

function around(trace: string[]): Policy {
  const policy: Policy = {
    async execute(fn, options) {
      trace.push('around');
      return fn(options as { readonly signal: AbortSignal });
    },
    wrap: (fn) => wrapWith(policy, fn),
  };
  return policy;
}

test('a call enters from the outside in and leaves from the inside out, each guard with its own ticket', async () => {
  const trace: string[] = [];
  const [outer, inner] = [new Gate('outer', trace), new Gate('inner', trace)];
  outer.leave(outer.tryEnter(), 'success');
  trace.length = 0;
  expect(await compose(outer, inner).execute(() => 'made')).toBe('made');
  expect(trace).toEqual(['outer in 1', 'inner in 0', 'inner success 0', 'outer success 1']);
});

test('what the function throws is told to every guard, untouched, whether it throws at once or later', async () => {
  for (const fn of [
    () => Promise.reject('odd'),
    () =>
      ((): never => {
        throw 'odd' as unknown as Error;
      })(),
  ]) {
    const trace: string[] = [];
    const failed = compose(new Gate('a', trace), new Gate('b', trace)).execute(fn);
    await expect(failed).rejects.toBe('odd');
    expect(trace.slice(2)).toEqual(['b failure 0 odd', 'a failure 0 odd']);
  }
});

test('a refusal further in is told as unused to those that had let the call in, and the function is not called', async () => {
  const trace: string[] = [];
  const policy = compose(new Gate('a', trace), new Gate('b', trace), new Gate('c', trace, 0));
  await expect(policy.execute(() => trace.push('called'))).rejects.toMatchObject({
    guard: 'c',
    retryAfterMs: undefined,
  });
  expect(trace).toEqual(['a in 0', 'b in 0', 'b unused 0', 'a unused 0']);
});

test('a refusal that comes out of the function itself is an abort for the guards around it: their callee was not at fault', async () => {
  const trace: string[] = [];
  const [outer, inner] = [new Gate('outer', trace), new Gate('inner', trace, 0)];
  await expect(compose(outer, around([]), inner).execute(() => 1)).rejects.toMatchObject({ guard: 'inner' });
  expect(trace.at(-1)).toMatch(/^outer abort 0/);
});

test('a cancel is told as an abort, a time-out as a failure', async () => {
  const trace: string[] = [];
  const gate = new Gate('gate', trace);
  for (const reason of ['left', new DOMException('', 'TimeoutError')]) {
    const signal = AbortSignal.abort(reason);
    await gate.execute(() => Promise.reject(signal.reason as Error), { signal }).catch(() => undefined);
  }
  expect(trace.filter((line) => !line.includes(' in '))).toEqual(['gate abort 0 left', 'gate failure 1 TimeoutError']);
});

test('guards side by side become one guard, others stay as they are', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Gate(name, [])) as [Gate, Gate, Gate];
  expect(isAdmissionGuard(compose(a, compose(b, c)))).toBe(true);
  expect((compose(a, compose(b, c)) as unknown as { readonly guards: readonly AdmissionGuard[] }).guards).toEqual([
    a,
    b,
    c,
  ]);
  expect(isAdmissionGuard(compose(a, around([]), b, c))).toBe(false);
  expect(compose(a)).toBe(a);
});

test('a mixture keeps its order: what stands between two guards runs between them', async () => {
  const trace: string[] = [];
  await compose(new Gate('a', trace), new Gate('b', trace), around(trace), new Gate('c', trace)).execute(() => 1);
  expect(trace.slice(0, 4)).toEqual(['a in 0', 'b in 0', 'around', 'c in 0']);
});

test('a thousand calls at once keep their tickets apart, and their places are used again', async () => {
  const trace: string[] = [];
  const [a, b] = [new Gate('a', trace, 1000), new Gate('b', trace, 1000)];
  const chain = compose(a, b);
  for (let round = 0; round < 2; round++) {
    const tickets = Array.from({ length: 1000 }, () => chain.tryEnter());
    expect(new Set(tickets).size).toBe(1000);
    expect(Math.max(...tickets)).toBe(1998);
    expect(chain.tryEnter()).toBe(refused);
    for (const ticket of tickets) chain.leave(ticket, 'success');
  }
  expect(new Set(trace.filter((line) => line.startsWith('b success'))).size).toBe(2000);
  expect([a.places, b.places]).toEqual([1000, 1000]);
});

test('a call that waits in the middle goes on from there, and asks nobody twice', async () => {
  const trace: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Gate(name, trace)) as [Gate, Gate, Gate];
  Object.assign(b, { queues: true, places: 0 });
  const call = compose(a, b, c).execute(() => 'made');
  expect(trace).toEqual(['a in 0']);
  b.waiting[0]?.(7);
  expect(await call).toBe('made');
  expect(trace).toEqual(['a in 0', 'c in 0', 'c success 0', 'b success 7', 'a success 0']);
});

test('a refusal or a cancel after a wait gives back what was entered, and the function is not called', async () => {
  const trace: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Gate(name, trace)) as [Gate, Gate, Gate];
  Object.assign(b, { queues: true, places: 0 });
  c.places = 0;
  const fn = (): unknown => trace.push('called');
  const refusedLate = compose(a, b, c).execute(fn);
  b.waiting.pop()?.(7);
  await expect(refusedLate).rejects.toMatchObject({ guard: 'c' });
  c.places = 1;
  b.places = 0;
  const caller = new AbortController();
  const left = compose(a, b, c).execute(fn, { signal: caller.signal });
  // Handed a place, and gone before it could be told.
  b.waiting.pop()?.(8);
  caller.abort('left');
  await expect(left).rejects.toBe('left');
  const gone = compose(a, b).execute(fn, { signal: caller.signal });
  Object.assign(b, { places: 0 });
  await gone.catch(() => undefined);
  expect(trace.filter((line) => line.includes('unused'))).toEqual([
    'b unused 7',
    'a unused 0',
    'b unused 8',
    'a unused 1',
  ]);
});

test('one guard that is asked alone does the same, and a place that comes after the caller has left is given back', async () => {
  const trace: string[] = [];
  const gate = new Gate('gate', trace, 0);
  gate.queues = true;
  const caller = new AbortController();
  const call = gate.execute(() => trace.push('called'), { signal: caller.signal });
  gate.waiting[0]?.(3);
  caller.abort('left');
  await expect(call).rejects.toBe('left');
  expect(trace).toEqual(['gate unused 3']);
  expect(await gate.wrap((_call, name: string) => `hello ${name}`)('Ada')).toBe('hello Ada');
});

test('a signal is not made for a call that enters at once', async () => {
  class Counted extends OpenCall {
    signals = 0;
    protected override makeSignal(): AbortSignal {
      this.signals += 1;
      return super.makeSignal();
    }
    override get canAbort(): boolean {
      return true;
    }
  }
  const call = new Counted();
  await compose(new Gate('a', []), new Gate('b', [])).execute(() => 1, call);
  expect(call.signals).toBe(0);
});

test('a chain would refuse when one of its guards would', () => {
  const chain = compose(new Gate('a', []), new Gate('b', [], 0));
  expect([chain.wouldRefuse(0), chain.wouldRefuse(100)]).toEqual([true, false]);
});
