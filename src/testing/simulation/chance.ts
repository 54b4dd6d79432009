/**
 * A number from 0 to below 1 that depends on a text alone: what is decided about a thing once and for all, however often
 * and in whatever order it is asked for.
 *
 * @see Fowler, Noll, Vo, "FNV hash", 1991; the finaliser is C. Wellons' "lowbias32", 2018.
 */
export function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
