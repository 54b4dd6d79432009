import type { CrashScenario } from './crash-points.ts';
import type { CallShape, SagaShape, StageShape } from './shape.ts';

function call(name: string, own: Partial<CallShape> = {}): CallShape {
  return {
    kind: 'call',
    name,
    barrier: true,
    listens: true,
    readOnly: false,
    probe: false,
    nullSafe: true,
    compensateOnFailure: false,
    sagaFirst: false,
    refuseRatio: 0,
    skipRatio: 0,
    pinned: false,
    maxAttempts: 6,
    compensationAttempts: 8,
    firstDelayMs: 100,
    maxDelayMs: 1000,
    jitter: 'full',
    retriesAll: true,
    timeoutMs: 1000,
    maxFlightMs: 0,
    guarded: false,
    ...own,
  };
}

function shape(name: string, stages: readonly StageShape[], own: Partial<SagaShape> = {}): SagaShape {
  const plan = { version: '1', deadlineMs: undefined, compensate: 'sequential', onStuck: 'hold' } as const;
  return { name, ...plan, stages, outputFails: false, ...own };
}

const three = [call('a'), call('b'), call('c')];
const refused = call('z', { refuseRatio: 1 });
const each = { kind: 'each', name: 'each', items: 3, concurrency: 2, call: call('each') } as const;

/** What a coordinator does, twelve ways. */
export const crashScenarios: readonly CrashScenario[] = [
  { name: 'three steps', shapes: [shape('saga', three)], sagas: 4 },
  { name: 'the last step refuses, and two are undone', shapes: [shape('saga', [...three, refused])], sagas: 3 },
  { name: 'retries both ways', shapes: [shape('saga', [...three, refused])], sagas: 3, rates: { transient: 0.4 } },
  {
    name: 'parallel steps, undone in parallel',
    shapes: [shape('saga', [{ kind: 'parallel', branches: three }, refused], { compensate: 'parallel' })],
    sagas: 3,
  },
  {
    name: 'past the pivot there is no way back',
    shapes: [shape('saga', [call('a'), { kind: 'pivot', call: call('p') }, call('b')])],
    sagas: 3,
    rates: { 'reply-lost': 0.3 },
    cancelRatio: 0.5,
  },
  {
    name: 'a pause and a signal',
    shapes: [
      shape('saga', [
        call('a'),
        { kind: 'sleep', name: 'nap', ms: 2000 },
        { kind: 'wait', name: 'word', timeoutMs: 300_000 },
        call('b'),
      ]),
    ],
    sagas: 3,
  },
  {
    name: 'a saga as a step, undone with its parent',
    shapes: [
      shape('child', [call('a'), call('b')]),
      shape('saga', [call('x'), { kind: 'child', name: 'child', child: 'child' }, refused]),
    ],
    sagas: 3,
  },
  { name: 'one step an item', shapes: [shape('saga', [each, call('b')])], sagas: 3 },
  {
    name: 'an unknown outcome is asked about',
    shapes: [shape('saga', [call('a', { probe: true, maxAttempts: 1 }), refused])],
    sagas: 4,
    rates: { 'request-lost': 0.3, 'reply-lost': 0.3 },
  },
  { name: 'cancelled on the way', shapes: [shape('saga', [...three, call('d')])], sagas: 4, cancelRatio: 1 },
  {
    name: 'checkpoints, archives and trimming',
    shapes: [shape('saga', three)],
    sagas: 10,
    journal: { checkpointBytes: 4096, retention: '1s' },
  },
  {
    name: 'closed and opened, with the disk full for a while',
    shapes: [shape('saga', three)],
    sagas: 5,
    redeploys: true,
    fills: true,
  },
];
