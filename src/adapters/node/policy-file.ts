import { readFile, watch } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { MakegoodError } from '../../errors.ts';
import { type RetryName, retryRulesFrom, type RetrySpec } from '../../retry/retry-spec.ts';
import type { RetryRules } from '../../retry/decide-retry.ts';
import type { Policies } from '../../tempo/policies.ts';

/** The policy file cannot be read, or says something that is no policy. What held before holds on. */
export class PolicyFileError extends MakegoodError {
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_POLICY_FILE', `policy file ${path}: ${why}; the policies that held before hold on`, options);
    this.path = path;
  }
}

/** Options of {@link watchPolicies}. */
export interface WatchPoliciesOptions {
  /** Reads the text: another format, such as YAML. Default `JSON.parse`. */
  readonly parse?: (text: string) => unknown;
  /** Told of each version of the file that holds now, the first included, with the keys it gives policies to. */
  readonly onLoad?: (keys: readonly string[]) => void;
  /** Told of a version that was refused. Default: a process warning. */
  readonly onError?: (error: PolicyFileError) => void;
}

/** A policy file that is watched; it ends with `close`, and what it gave holds on. */
export interface PolicyFile extends AsyncDisposable {
  close(): Promise<void>;
}

type Given = ReadonlyMap<string, RetryRules>;

/** Carries what a file says into a coordinator's policies: all of one version, or nothing of it. */
class Loader {
  private readonly policies: Policies;
  private readonly path: string;
  private readonly parse: (text: string) => unknown;
  private held: Given = new Map();
  private text: string | undefined;

  constructor(policies: Policies, path: string, parse: (text: string) => unknown) {
    this.policies = policies;
    this.path = path;
    this.parse = parse;
  }

  /** Reads the file; `undefined` when it says what it said before: one change is often told twice. */
  async load(): Promise<readonly string[] | undefined> {
    try {
      const text = await readFile(this.path, 'utf8');
      if (text === this.text) return undefined;
      this.text = text;
      const next = rulesOf(this.parse(text));
      this.replace(next);
      return [...next.keys()];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PolicyFileError(this.path, why, { cause: error });
    }
  }

  private replace(next: Given): void {
    const before = new Map([...next.keys()].map((key) => [key, this.policies.get(key)]));
    try {
      for (const [key, rules] of next) this.policies.set(key, { rules });
    } catch (error) {
      for (const [key, rules] of before) {
        if (rules === undefined) this.policies.delete(key);
        else this.policies.set(key, { rules });
      }
      throw error;
    }
    for (const key of this.held.keys()) if (!next.has(key)) this.policies.delete(key);
    this.held = next;
  }
}

function rulesOf(content: unknown): Given {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new TypeError('Expected an object of policies by "saga/step"');
  }
  return new Map(
    Object.entries(content as Record<string, RetryName | RetrySpec>).map(([key, spec]) => [key, rulesAt(key, spec)]),
  );
}

function rulesAt(key: string, spec: RetryName | RetrySpec): RetryRules {
  try {
    return retryRulesFrom(spec);
  } catch (error) {
    throw new TypeError(`at ${JSON.stringify(key)}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/**
 * Reads a coordinator's retry policies from a file, and again whenever it changes: an object of policies by `saga/step`, or
 * `saga/step/compensation`, each a name (`"exponential"`) or a description (`{ "maxAttempts": 3, "retryOn": ["5xx"] }`).
 * A step that a new version leaves out has its definition's own policy again. A version that is wrong anywhere is refused
 * whole.
 *
 * @param policies `tempo.policies`.
 * @param path the file; it may be replaced by renaming another over it.
 * @throws {PolicyFileError} when the first version cannot be read, or is wrong.
 * @example
 * ```ts no-run
 * await using file = await watchPolicies(tempo.policies, 'policies.json');
 * ```
 */
export async function watchPolicies(
  policies: Policies,
  path: string,
  options: WatchPoliciesOptions = {},
): Promise<PolicyFile> {
  const { parse = JSON.parse, onLoad, onError = warn } = options;
  const loader = new Loader(policies, path, parse as (text: string) => unknown);
  const ending = new AbortController();
  // The folder is watched, not the file: editors and deployments replace a file by renaming.
  const changes = watch(dirname(path), { signal: ending.signal, persistent: false });
  const reload = async (): Promise<void> => {
    try {
      const keys = await loader.load();
      if (keys !== undefined) onLoad?.(keys);
    } catch (error) {
      onError(error as PolicyFileError);
    }
  };
  const first = await loader.load();
  onLoad?.(first ?? []);
  const watching = (async (): Promise<void> => {
    try {
      for await (const { filename } of changes) if (filename === basename(path)) await reload();
    } catch (error) {
      if (!ending.signal.aborted) onError(new PolicyFileError(path, String(error), { cause: error }));
    }
  })();
  const close = async (): Promise<void> => {
    ending.abort();
    await watching;
  };
  return { close, [Symbol.asyncDispose]: close };
}

function warn(error: PolicyFileError): void {
  process.emitWarning(error);
}
