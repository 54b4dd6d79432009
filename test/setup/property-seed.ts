/**
 * What the property tests draw. A run of the tests judges a change, so it draws the same worlds every time: a red run is
 * the change's doing, and red again when it is repeated. New worlds are looked for by `npm run hunt`, which gives a seed of
 * its own each time.
 */
import { configureGlobal } from 'fast-check';

const seed = Number(process.env['MAKEGOOD_SEED'] ?? 1);
if (!Number.isSafeInteger(seed)) {
  throw new TypeError(`Expected MAKEGOOD_SEED to be an integer, got ${JSON.stringify(process.env['MAKEGOOD_SEED'])}`);
}
// Lists are drawn up to the length that a property names; of themselves they would have some ten things in them.
configureGlobal({ seed, defaultSizeToMaxWhenMaxSpecified: true });
