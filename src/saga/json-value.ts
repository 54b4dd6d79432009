/** What JSON can carry. Inputs, outputs and signals of sagas are kept as JSON, so this is what a restart reads back. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Copies plain data; `undefined` as a result means: not plain, go through `JSON` itself. */
function copyPlain(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : undefined;
  if (typeof value !== 'object') return undefined;
  if (value === null) return null;
  if (depth > 64) return undefined;
  if (Array.isArray(value)) return copyArray(value, depth);
  return isPlain(value) && !('toJSON' in value) ? copyObject(value as Record<string, unknown>, depth) : undefined;
}

function copyArray(value: readonly unknown[], depth: number): unknown {
  const copy: unknown[] = [];
  for (const item of value) {
    const copied = copyPlain(item, depth + 1);
    if (copied === undefined) return undefined;
    copy.push(copied);
  }
  return Object.freeze(copy);
}

function copyObject(value: Record<string, unknown>, depth: number): unknown {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return undefined;
    const item = value[key];
    if (item === undefined) continue;
    const copied = copyPlain(item, depth + 1);
    if (copied === undefined) return undefined;
    copy[key] = copied;
  }
  return Object.freeze(copy);
}

/**
 * Freezes a value that came out of `JSON.parse`, all the way down.
 *
 * @internal
 */
export function freezeJson<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) freezeJson(item);
  return Object.freeze(value);
}

/**
 * A frozen copy of the value as the log will give it back: what a handler sees before a crash equals what it sees after.
 * Values with `toJSON` (a `Date`) become what they say; `undefined` properties vanish; nothing at all becomes `null`.
 *
 * @param value any value that `JSON.stringify` accepts.
 * @param what what it is, for the error: `'input of saga "order"'`.
 * @throws {TypeError} when JSON cannot carry it (a BigInt, a cycle, a function alone).
 * @internal
 */
export function toJsonValue(value: unknown, what: string): JsonValue {
  if (value === undefined) return null;
  const copy = copyPlain(value, 0);
  if (copy !== undefined) return copy as JsonValue;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`Expected ${what} to be JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (text === undefined) throw new TypeError(`Expected ${what} to be JSON, got a ${typeof value}`);
  return freezeJson(JSON.parse(text) as JsonValue);
}

/**
 * Whether two JSON values are the same; the order of keys does not count.
 *
 * @internal
 */
export function sameJson(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item: JsonValue, index) => sameJson(item, right[index] as JsonValue));
  }
  const leftKeys = Object.keys(left);
  const rightObject = right as Readonly<Record<string, JsonValue>>;
  return (
    leftKeys.length === Object.keys(right).length &&
    leftKeys.every(
      (key) =>
        Object.hasOwn(right, key) &&
        sameJson((left as typeof rightObject)[key] as JsonValue, rightObject[key] as JsonValue),
    )
  );
}
