/**
 * A transaction in Redis, optimistic: reads are made at once and remembered, writes are gathered. One Lua script, which
 * Redis runs whole before anything else, then sees whether the reads would still be answered the same, and makes all the
 * writes and the barrier's row, or none of them.
 *
 * Redis itself undoes nothing: what a script wrote before an error stays. So the keys of every write but the last are
 * copied first (DUMP), and put back (RESTORE) when a later one fails.
 */
import type { BarrierStore } from '../../participant/barrier.ts';
import type { BarrierRow } from '../../participant/decide-barrier.ts';
import { type RedisClient, RedisScript } from './redis-script.ts';

/** What the functions of an action are given as `tx`. */
export interface RedisTransaction {
  /**
   * Sends a command that only reads, and answers as Redis does; others are refused by the server. When another would be
   * answered differently at the commit, everything is begun anew. It does not see the writes of this transaction.
   */
  read(...command: (string | number)[]): Promise<unknown>;
  /** Notes a command for the commit: all that were noted are carried out, or none. Its keys lie in the same server. */
  write(...command: (string | number)[]): void;
}

const readScript = new RedisScript(`#!lua flags=no-writes
local reply = redis.call(unpack(ARGV))
return {redis.sha1hex(cmsgpack.pack(reply)), reply}`);

const commitScript = new RedisScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'changed'} end
local reads, writes = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
for _, read in ipairs(reads) do
  if redis.sha1hex(cmsgpack.pack(redis.call(unpack(read.command)))) ~= read.digest then return {'changed'} end
end
local before = {}
for at = 1, #writes - 1 do
  for _, key in ipairs(redis.call('COMMAND', 'GETKEYS', unpack(writes[at]))) do
    if before[key] == nil then before[key] = {redis.call('DUMP', key), redis.call('PTTL', key)} end
  end
end
for at, command in ipairs(writes) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    for key, was in pairs(at > 1 and before or {}) do
      redis.call('DEL', key)
      if was[1] then redis.call('RESTORE', key, math.max(was[2], 0), was[1]) end
    end
    return {'failed', command[1], reply.err}
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {'done'}`);

/** One try at a transaction: what was read, and what is to be written. */
export class TransactionTry implements RedisTransaction, BarrierStore {
  private readonly client: RedisClient;
  private readonly prefix: string;
  private readonly reads: { readonly command: readonly string[]; readonly digest: string }[] = [];
  private writes: string[][] = [];
  private row: { readonly key: string; readonly before: string; after: string } | undefined;

  constructor(client: RedisClient, prefix: string) {
    this.client = client;
    this.prefix = prefix;
  }

  async read(...command: (string | number)[]): Promise<unknown> {
    const words = command.map(String);
    const [digest, reply] = (await readScript.run(this.client, [], words)) as [string, unknown];
    this.reads.push({ command: words, digest });
    return reply;
  }

  write(...command: (string | number)[]): void {
    if (command.length < 2) throw new RangeError('Expected a command with a key, got ' + JSON.stringify(command));
    this.writes.push(command.map(String));
  }

  async lock(saga: string, step: string): Promise<BarrierRow | undefined> {
    const key = `${this.prefix}${saga}/${step}`;
    const before = (await this.client.sendCommand(['GET', key])) as string | null;
    this.row = { key, before: before ?? '', after: '' };
    return before === null ? undefined : (JSON.parse(before) as BarrierRow);
  }

  async save(_saga: string, _step: string, row: BarrierRow): Promise<void> {
    if (this.row === undefined) throw new TypeError('Expected the row to be locked before it is saved');
    this.row.after = JSON.stringify(row);
  }

  async savepoint<Value>(work: () => Value | Promise<Value>): Promise<Value> {
    const { length } = this.writes;
    try {
      return await work();
    } catch (error) {
      this.writes = this.writes.slice(0, length);
      throw error;
    }
  }

  /** `false` when something that was read has changed meanwhile: nothing was written then. */
  async commit(retentionMs: number): Promise<boolean> {
    const { row } = this;
    if (row === undefined || row.after === '') {
      if (this.writes.length === 0) return true;
      throw new TypeError('Expected writes to come with a barrier row; call barrier within the transaction');
    }
    const gathered = [JSON.stringify(this.reads), JSON.stringify(this.writes)];
    const args = [row.before, row.after, Math.ceil(retentionMs), ...gathered];
    const [outcome, command = '', why = ''] = (await commitScript.run(this.client, [row.key], args)) as string[];
    if (outcome === 'failed') throw new Error(`Redis refused ${command} at the commit, so nothing was written: ${why}`);
    return outcome === 'done';
  }
}
