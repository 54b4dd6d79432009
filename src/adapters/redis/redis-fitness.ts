import { MakegoodError } from '../../errors.ts';
import type { RedisClient } from './redis-script.ts';

/** The server may forget keys before they expire, so it cannot keep what must not be done twice. */
export class RedisEvictionError extends MakegoodError {
  /** The server's `maxmemory-policy`. */
  readonly policy: string;

  constructor(policy: string) {
    const what = `Redis may evict keys (maxmemory-policy ${policy}), and work would then happen twice`;
    super('MAKEGOOD_REDIS_EVICTION', `${what}; set maxmemory-policy noeviction, or allowEviction`);
    this.policy = policy;
  }
}

/** @throws {RedisEvictionError} when the server's `maxmemory-policy` is not `noeviction`. */
export async function refuseEviction(client: RedisClient): Promise<void> {
  const info = String(await client.sendCommand(['INFO', 'memory']));
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'unknown';
  if (policy !== 'noeviction') throw new RedisEvictionError(policy);
}

/** Why this server may lose what it has answered when the power fails; `undefined` when its settings say it does not. */
export async function weakDurability(client: RedisClient): Promise<string | undefined> {
  const setting = await readSetting(client, 'appendonly');
  if (setting !== 'yes') return `appendonly is ${setting}`;
  const fsync = await readSetting(client, 'appendfsync');
  return fsync === 'always' ? undefined : `appendfsync is ${fsync}`;
}

async function readSetting(client: RedisClient, name: string): Promise<string> {
  try {
    const reply = await client.sendCommand(['CONFIG', 'GET', name]);
    // Pairs in a row as RESP2 gives them, a map in RESP3.
    const value: unknown = Array.isArray(reply) ? reply[1] : (reply as Record<string, unknown> | null)?.[name];
    return typeof value === 'string' ? value : 'unknown';
  } catch {
    // Hosted servers often refuse CONFIG. What cannot be known is warned of like what is known to be weak.
    return 'unknown';
  }
}

/** A check that is made once, and again by the next caller when it could not be made. */
export class OnceChecked {
  private readonly check: () => Promise<void>;
  private checked: Promise<void> | undefined;

  constructor(check: () => Promise<void>) {
    this.check = check;
  }

  async pass(): Promise<void> {
    this.checked ??= this.check();
    try {
      await this.checked;
    } catch (error) {
      this.checked = undefined;
      throw error;
    }
  }
}
