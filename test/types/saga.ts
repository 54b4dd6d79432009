/**
 * Programs about sagas that must compile, and programs that must not: each line that must not is preceded by an
 * expectation, and the typecheck fails when the line after it compiles after all.
 */
import { type Saga, saga } from '../../src/saga/index.ts';

interface Order {
  readonly sku: string;
  readonly quantity: number;
}

const placeOrder = saga('place-order', { version: '1', deadline: '5m' })
  .input<Order>()
  .step('reserve', {
    run: async ({ input, idempotencyKey }) => ({ id: `${input.sku}-${idempotencyKey}` }),
    compensate: ({ output }) => output?.id.length,
  })
  .parallel({
    label: { run: ({ results }) => results.reserve.id.length, compensate: ({ results }) => results.reserve.id },
    invoice: { run: async () => ({ total: 12n.toString() }), readOnly: true },
  })
  .parallel((branch) => ({
    pack: branch({ run: ({ results }) => results.label, compensate: ({ output }) => output?.toFixed() }),
    weigh: branch({ run: ({ input }) => input.quantity, readOnly: true }),
  }))
  .pivot('ship', { run: ({ results }) => ({ tracking: results.invoice.total + results.pack.toFixed() }) })
  .step('notify', { run: ({ results }) => results.ship.tracking })
  .output(({ input, results }) => ({ sku: input.sku, tracking: results.notify }));

/** The types of input and output follow from the steps. */
export const typed: Saga<Order, { sku: string; tracking: string }> = placeOrder;

const before = saga('s').input<Order>();
const run = (): number => 1;
const compensate = (): void => undefined;

// @ts-expect-error before the pivot a step needs compensate or readOnly: true
before.step('a', { run });
// @ts-expect-error a read-only step has nothing to undo
before.step('a', { run, readOnly: true, compensate });
// @ts-expect-error a branch before the pivot needs compensate or readOnly: true
before.parallel({ a: { run } });
// @ts-expect-error the output of an unknown outcome is undefined, in a branch too
before.parallel((branch) => ({ a: branch({ run: () => ({ id: 'x' }), compensate: ({ output }) => output.id }) }));
// @ts-expect-error a branch cannot take the name of an earlier step
before.step('a', { run, compensate }).parallel({ a: { run, compensate } });
// @ts-expect-error the pivot cannot be undone
before.pivot('a', { run, compensate });
// @ts-expect-error after the pivot nothing is undone
before.pivot('a', { run }).step('b', { run, compensate });
// @ts-expect-error there is one pivot at most
before.pivot('a', { run }).pivot('b', { run });
// @ts-expect-error a name is used once
before.step('a', { run, compensate }).step('a', { run, compensate });
// @ts-expect-error a result exists only after its step
before.step('a', { run: ({ results }) => results.b, compensate }).step('b', { run, compensate });
// @ts-expect-error results have the type of what run returned
before.step('a', { run, compensate }).step('b', { run: ({ results }) => results.a.length, compensate });
// @ts-expect-error the output of an unknown outcome is undefined
before.step('a', { run: () => ({ id: 'x' }), compensate: ({ output }) => output.id });
