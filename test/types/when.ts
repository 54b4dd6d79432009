/** Programs about conditions, waits, children and lists that must compile, and programs that must not. */
import { type Saga, saga } from '../../src/saga/index.ts';

const compensate = (): void => undefined;

const parcel = saga('parcel')
  .input<{ id: number }>()
  .step('a', { run: ({ input }) => `p${input.id}`, compensate })
  .output(({ results }) => results.a);

const order = saga('order')
  .input<{ gift: boolean; items: readonly { sku: string }[] }>()
  .step('wrap', { when: ({ input }) => input.gift, run: () => 'paper', compensate: ({ output }) => output?.length })
  .step('plain', { run: () => 1, compensate })
  .sleep('pause', '1d')
  .wait<'approved', { by: string }>('approved', { timeout: '3d' })
  .child('parcel', parcel, ({ results }) => ({ id: results.plain }))
  .forEach('labels', ({ input }) => input.items, {
    run: ({ item, place }) => `${place}:${item.sku}`,
    compensate: ({ item, output }) => [item.sku.length, output?.length],
  })
  .forEach('parcels', ({ results }) => results.labels, { child: parcel, input: ({ item }) => ({ id: item.length }) })
  .output(({ results }) => ({
    wrap: results.wrap?.length,
    plain: results.plain.toFixed(),
    by: results.approved.by,
    parcel: results.parcel.length,
    labels: results.labels.map((label) => label.length),
    parcels: results.parcels.map((text) => text.length),
  }));

/** The types of results follow from the builders. */
export const typed: Saga<
  { gift: boolean; items: readonly { sku: string }[] },
  { wrap: number | undefined; plain: string; by: string; parcel: number; labels: number[]; parcels: number[] }
> = order;

const before = saga('s').input<null>();
// @ts-expect-error the result of a step that may be skipped may be undefined
before.step('a', { when: () => false, run: () => 'x', compensate }).output(({ results }) => results.a.length);
// @ts-expect-error a child is started with what it takes
before.child('c', parcel, () => 7);
// @ts-expect-error an item's step before the pivot needs compensate or readOnly: true
before.forEach('c', () => [1], { run: () => 1 });
// @ts-expect-error a probe answers whether the effect is there
before.step('a', { run: () => 1, compensate, statusProbe: () => true });
// @ts-expect-error a wait cannot take the name of an earlier step
before.step('a', { run: () => 1, compensate }).wait('a');
