/** What is needed of a connection to Redis: `@redis/client`'s client and `createClientPool` have it. */
export interface RedisClient {
  sendCommand(args: string[]): Promise<unknown>;
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** A Lua script, which Redis runs whole before anything else; sent once and then called by its hash. */
export class RedisScript {
  private readonly text: string;
  private hash: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  async run(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    for (;;) {
      this.hash ??= String(await client.sendCommand(['SCRIPT', 'LOAD', this.text]));
      try {
        const rest = [String(keys.length), ...keys, ...args.map(String)];
        return await client.sendCommand(['EVALSHA', this.hash, ...rest]);
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        // The server was restarted or its scripts were flushed; nothing was run.
        this.hash = undefined;
      }
    }
  }
}
