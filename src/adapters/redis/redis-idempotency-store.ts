import type { Claim, ClaimRequest, IdempotencyStore } from '../../idempotency/idempotency-store.ts';
import { OnceChecked, refuseEviction } from './redis-fitness.ts';
import { type RedisClient, RedisScript } from './redis-script.ts';

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** A connected client of `@redis/client`, or anything with its `sendCommand`. */
  readonly client: RedisClient;
  /**
   * Begins every key. The part in braces keeps them in one slot of a cluster, since the counter of tokens is among them.
   * Default `'{makegood}:once:'`.
   */
  readonly prefix?: string;
  /** Accept a server that may evict keys when its memory is full: work can then happen twice. Default `false`. */
  readonly allowEviction?: boolean;
}

// One hash a key: token, fingerprint, lease (the end, in ms of the server's clock), result. Redis expires the key itself.
// Scripts see one clock reading for their whole run (TIME), and nothing else runs meanwhile.
const now = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

const claimScript = new RedisScript(`${now}
local held = redis.call('HMGET', KEYS[1], 'fingerprint', 'lease', 'result')
if held[1] then
  if held[1] ~= ARGV[1] then return {'other-request'} end
  if held[3] then return {'done', held[3]} end
  if tonumber(held[2]) > now then return {'running', tostring(tonumber(held[2]) - now)} end
end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', token, 'lease', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2], ARGV[3]))
return {'claimed', tostring(token)}`);

const owned = `if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local done = redis.call('HEXISTS', KEYS[1], 'result') == 1`;

const renewScript = new RedisScript(`${now}
${owned}
if done then return 0 end
redis.call('HSET', KEYS[1], 'lease', string.format('%.0f', now + ARGV[2]))
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2], ARGV[3]))
return 1`);

const completeScript = new RedisScript(`${owned}
if done then return 1 end
redis.call('HSET', KEYS[1], 'result', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`);

const releaseScript = new RedisScript(`${owned}
if not done then redis.call('DEL', KEYS[1]) end
return 1`);

class RedisStore implements IdempotencyStore {
  private readonly client: RedisClient;
  private readonly prefix: string;
  private readonly fitness: OnceChecked;

  constructor({ client, prefix = '{makegood}:once:', allowEviction = false }: RedisStoreOptions) {
    this.client = client;
    this.prefix = prefix;
    this.fitness = new OnceChecked(async () => (allowEviction ? undefined : refuseEviction(client)));
  }

  async claim(key: string, { fingerprint, leaseMs, ttlMs }: ClaimRequest): Promise<Claim> {
    await this.fitness.pass();
    const keys = [this.nameOf(key), `${this.prefix.slice(0, -1)}#token`];
    const times = [Math.ceil(leaseMs), Math.ceil(ttlMs)];
    const [kind, value = ''] = (await claimScript.run(this.client, keys, [fingerprint, ...times])) as string[];
    switch (kind) {
      case 'claimed':
        return { kind, token: Number(value) };
      case 'running':
        return { kind, leaseLeftMs: Number(value) };
      case 'done':
        return { kind, result: value };
      default:
        return { kind: 'other-request' };
    }
  }

  async renew(key: string, token: number, { leaseMs, ttlMs }: Omit<ClaimRequest, 'fingerprint'>): Promise<boolean> {
    return this.did(renewScript, key, [token, Math.ceil(leaseMs), Math.ceil(ttlMs)]);
  }

  async complete(key: string, token: number, result: string, ttlMs: number): Promise<boolean> {
    return this.did(completeScript, key, [token, result, Math.ceil(ttlMs)]);
  }

  async release(key: string, token: number): Promise<void> {
    await this.did(releaseScript, key, [token]);
  }

  async mark(key: string, ttlMs: number): Promise<boolean> {
    return (await this.claim(key, { fingerprint: '', leaseMs: ttlMs, ttlMs })).kind === 'claimed';
  }

  private nameOf(key: string): string {
    return `${this.prefix}${key}`;
  }

  private async did(script: RedisScript, key: string, args: readonly (string | number)[]): Promise<boolean> {
    return Number(await script.run(this.client, [this.nameOf(key)], args)) === 1;
  }
}

/**
 * Keys and results in Redis. Every change is one Lua script, and the server's clock decides about leases and expiry.
 *
 * What Redis does not promise, this store cannot: a server that loses its last writes in a crash (`appendonly` off, or
 * `appendfsync everysec`), or a failover to a replica that had not got them, forgets claims and results, and the work may
 * then happen twice. A server that would evict keys is refused. Where that is not enough, use PostgreSQL.
 *
 * @param options.client a connected client of `@redis/client`.
 * @param options.prefix begins every key. Default `'{makegood}:once:'`.
 * @throws {RedisEvictionError} from a claim, when the server's `maxmemory-policy` is not `noeviction`.
 * @example
 * const answers = { INFO: 'maxmemory_policy:noeviction', SCRIPT: 'hash', EVALSHA: ['claimed', '7'] };
 * const store = redisStore({ client: { sendCommand: async ([command]) => answers[command] } });
 * await store.claim('order-1', { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 }) // => { kind: 'claimed', token: 7 }
 */
export function redisStore(options: RedisStoreOptions): IdempotencyStore {
  return new RedisStore(options);
}
