import { hashOf } from '../../../journal/id-hash.ts';

/**
 * The shard of a saga: the first bits of the hash of its id, so that twice as many shards divide each in two. What stands
 * behind a `~` does not count: a saga that is a step of another stands beside it, where one owner drives both.
 */
export function shardOf(sagaId: string, shards: number): number {
  const end = sagaId.indexOf('~');
  const { low } = hashOf(end === -1 ? sagaId : sagaId.slice(0, end));
  return Math.floor((low / 2 ** 32) * shards);
}
