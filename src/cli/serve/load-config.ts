import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ServerConfig } from '../../server/server-config.ts';
import { RefusedConfigError } from './serve-flags.ts';

const known: readonly string[] = [
  'sagas',
  'policies',
  'guards',
  'concurrency',
  'crashLimit',
  'realertAfter',
  'stranded',
  'quotas',
];

/**
 * Loads a configuration: a module whose default export is a {@link ServerConfig}. TypeScript runs as it stands.
 *
 * @throws {RefusedConfigError} when it cannot be loaded, or says what no configuration says.
 */
export async function loadConfig(path: string | undefined): Promise<ServerConfig> {
  if (path === undefined) return {};
  let config: unknown;
  try {
    const loaded = (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: unknown };
    config = loaded.default;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RefusedConfigError(`configuration ${path} cannot be loaded: ${why}`, { cause: error });
  }
  if (typeof config !== 'object' || config === null) {
    throw new RefusedConfigError(`Expected ${path} to export a configuration as its default, got ${typeof config}`);
  }
  const stranger = Object.keys(config).find((key) => !known.includes(key));
  if (stranger !== undefined) {
    throw new RefusedConfigError(`Expected ${path} to have only ${known.join(', ')}, got "${stranger}"`);
  }
  return config;
}
