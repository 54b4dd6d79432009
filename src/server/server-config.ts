import type { ServerOptions } from './open-server.ts';
import type { TempoOptions } from '../tempo/tempo.ts';

/**
 * What the file given to `makegood serve --config` exports as its default: the sagas that are started by their name, and
 * what protects their participants. Sagas whose steps come with the request need none of it.
 *
 * ```ts no-run
 * import type { ServerConfig } from 'makegood/server';
 * export default { sagas: [placeOrder] } satisfies ServerConfig;
 * ```
 */
export type ServerConfig = Partial<Pick<ServerOptions, 'quotas'>> &
  Partial<
    Pick<TempoOptions, 'sagas' | 'policies' | 'guards' | 'concurrency' | 'crashLimit' | 'realertAfter' | 'stranded'>
  >;
