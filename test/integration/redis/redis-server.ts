import { createClient } from '@redis/client';
import { type Service, startRedis } from '../../../scripts/services.ts';

/** A client that comes back when its server does. */
export function connect(server: Service) {
  const made = createClient({ url: server.url, socket: { reconnectStrategy: 20 } });
  made.on('error', () => undefined);
  return made;
}

/** A server of a test file's own, and a client of it. */
export async function startWithClient(): Promise<{ server: Service; client: ReturnType<typeof connect> }> {
  const server = await startRedis();
  const client = connect(server);
  await client.connect();
  return { server, client };
}
