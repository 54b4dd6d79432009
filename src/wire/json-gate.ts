import { freezeJson, type JsonValue } from '../saga/json-value.ts';
import { ProblemError, type ProblemCode } from './problem.ts';

/** How much a JSON text may hold. */
export interface JsonBounds {
  /** Arrays and objects within each other. Default 64. */
  readonly depth?: number;
  /** Keys of objects, in all. Default 10,000. */
  readonly keys?: number;
  /** Commas, in all: elements of arrays and properties. Default 100,000. */
  readonly values?: number;
}

/** The defaults of {@link readJson}. */
const jsonBounds: Required<JsonBounds> = Object.freeze({ depth: 64, keys: 10_000, values: 100_000 });

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const brackets: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closings: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/**
 * Counts what stands outside of strings, without reading the text as JSON: whatever reads it afterwards, and whoever walks
 * what was read, is spared a million arrays within each other.
 */
function survey(text: string, bounds: Required<JsonBounds>): number {
  let depth = 0;
  let keys = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      at++;
      for (; at < text.length && text.charCodeAt(at) !== quote; at++) if (text.charCodeAt(at) === backslash) at++;
    } else if (brackets.has(unit)) {
      if (++depth > bounds.depth) throw new ProblemError('too-deep', `the body is nested deeper than ${bounds.depth}`);
    } else if (closings.has(unit)) depth--;
    else if (unit === colon) keys++;
    else if (unit === comma) commas++;
  }
  if (keys > bounds.keys) throw new ProblemError('too-many-values', `the body has ${keys} keys, over ${bounds.keys}`);
  if (commas > bounds.values) {
    throw new ProblemError('too-many-values', `the body has ${commas} values, over ${bounds.values}`);
  }
  return keys;
}

function refuse(code: ProblemCode, path: string, what: string): never {
  throw new ProblemError(code, `the body has ${what} at ${path === '' ? '/' : path}`, {
    errors: [{ path, message: `has ${what}` }],
  });
}

function pointer(path: string, key: string): string {
  return `${path}/${key.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Looks at every value; counts the keys that are left of those in the text. */
function inspect(value: JsonValue, path: string): number {
  if (typeof value === 'number' && !Number.isFinite(value)) refuse('not-finite', path, 'a number beyond 1.8e308');
  if (typeof value === 'string' && !value.isWellFormed()) refuse('lone-surrogate', path, 'half a surrogate pair');
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    return value.reduce((sum: number, item: JsonValue, place) => sum + inspect(item, `${path}/${place}`), 0);
  }
  let keys = 0;
  for (const [key, item] of Object.entries(value)) {
    if (!key.isWellFormed()) refuse('lone-surrogate', path, 'half a surrogate pair in a key');
    if (key === '__proto__' || (key === 'constructor' && isObjectWith(item, 'prototype'))) {
      refuse('reserved-name', pointer(path, key), `the key "${key}"`);
    }
    keys += 1 + inspect(item, pointer(path, key));
  }
  return keys;
}

function isObjectWith(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/**
 * Reads JSON that comes from outside: bounded before it is parsed, and without what two readers might understand
 * differently (a key twice), what cannot be kept (numbers beyond a double, half surrogate pairs) or what could reach a
 * prototype. What it returns is frozen.
 *
 * @param text the whole text; its length is bounded before.
 * @throws {ProblemError} `unreadable-json`, `too-deep`, `too-many-values`, `duplicate-key`, `reserved-name`, `not-finite` or
 *   `lone-surrogate`.
 * @see Bishop Fox, "An Exploration of JSON Interoperability Vulnerabilities", 2021 (duplicate keys).
 * @example
 * readJson('{"a":[1]}') // => { a: [1] }
 */
export function readJson(text: string, bounds: JsonBounds = {}): JsonValue {
  const keys = survey(text, { ...jsonBounds, ...bounds });
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ProblemError('unreadable-json', `the body is not JSON: ${error instanceof Error ? shown(error) : ''}`);
  }
  if (inspect(value, '') !== keys) throw new ProblemError('duplicate-key', 'an object of the body has a key twice');
  return freezeJson(value);
}

/** The parser quotes the body, which need not be repeated to whoever sent it, or into a log. */
function shown({ message }: Error): string {
  return message.split(/["'`]|\(/)[0]?.trim() ?? '';
}
