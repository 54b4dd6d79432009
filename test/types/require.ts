/**
 * Sagas that say what they must keep: programs that do, and programs that do not compile.
 */
import type { Facts } from '../../src/advisor/index.ts';
import { saga } from '../../src/saga/index.ts';

const run = (): number => 1;
const compensate = (): void => undefined;

const hurry = { sla: 'p99<40ms', partition: 'cp', semantics: 'total-order' } as const;
const alone = { sla: 'p99<80ms', partition: 'ap', semantics: 'idempotent' } as const;
const final = { sla: 'p99<2s', partition: 'cp', semantics: 'idempotent', irreversible: 'behind-pivot' } as const;

export const transfer = saga('transfer', { require: hurry })
  .input<{ amount: number }>()
  .step('debit', { run: ({ input }) => input.amount, compensate })
  .step('credit', { run: ({ results }) => results.debit.toFixed(), compensate, mode: 'durable' })
  .sleep('breathe', '39ms')
  .forEach('tell', () => [1, 2], { run, compensate, concurrency: 1 })
  .output(({ results }) => results.credit.length);

export const coupon = saga('coupon', { require: alone })
  .input()
  .step('look', { run, readOnly: true })
  .step('redeem', { run, compensate, mode: 'saga-first' })
  .parallel({ mail: { run, compensate, mode: 'saga-first' }, log: { run, readOnly: true } })
  .parallel((branch) => ({ a: branch({ run, compensate, mode: 'saga-first' }) }))
  .pivot('ship', { run })
  .step('after', { run })
  .output();

export const payment = saga('payment', { require: final })
  .input()
  .pivot('pay', { run })
  .output(() => 1);

/** Facts that the compiler does not know are checked when the saga is defined. */
export const late = (facts: Facts): object =>
  saga('late', { require: facts }).input().step('a', { run, compensate, mode: 'saga-first' }).wait('w').output();

/** Without a requirement everything is free. */
export const free = saga('free')
  .input()
  .step('a', { run, compensate, mode: 'saga-first' })
  .sleep('s', '1d')
  .wait('w')
  .output();

const hurried = saga('s', { require: hurry }).input();
const lonely = saga('s', { require: alone }).input();
const finalStep = saga('s', { require: final }).input().step('a', { run, compensate });

// @ts-expect-error such a step tries again for seconds, and agreement answers within 40 ms
hurried.step('a', { run, compensate, mode: 'saga-first' });
// @ts-expect-error parallel steps have no order
hurried.parallel({ a: { run, compensate } });
// @ts-expect-error items that run at the same time have no order
hurried.forEach('a', () => [1], { run, compensate });
// @ts-expect-error a sleep that is as long as the SLA breaks it
hurried.sleep('a', '0.04s');
// @ts-expect-error a sleep of hours breaks it, too
hurried.sleep('a', '1h');
// @ts-expect-error nobody knows when a signal comes
hurried.wait('a');
// @ts-expect-error a compensation must be durable before its action
lonely.step('a', { run, compensate });
// @ts-expect-error a branch before the pivot, too, needs a compensation that is durable first
lonely.parallel({ a: { run, compensate } });
// @ts-expect-error each item, too, needs a compensation that is durable first
lonely.forEach('a', () => [1], { run, compensate });
// @ts-expect-error a step that cannot be undone needs a pivot
finalStep.output();
// @ts-expect-error these facts contradict each other
saga('s', { require: { sla: 'p99<80ms', partition: 'ap', semantics: 'total-order' } });
// @ts-expect-error this SLA has no operator
saga('s', { require: { sla: 'p99=80ms', partition: 'ap', semantics: 'idempotent' } });
// @ts-expect-error a coordinator may be cut off from the services that react to each other
saga('s', { require: { sla: 'p99<80ms', partition: 'ap', semantics: 'causal' } });
