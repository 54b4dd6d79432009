const most = 4096;
const known = new Map<string, string>();

/**
 * The same text, as one string for all who have it: names of sagas and steps repeat in every saga, and a hundred thousand
 * copies of them take 25 MB. Remembers the first few thousand; others are given back as they came.
 */
export function interned(text: string): string {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size < most) known.set(text, text);
  return text;
}
