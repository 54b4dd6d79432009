import type { Mutant } from './mutant.ts';

const fleet = 'src/tempo/fleet.ts';
const store = 'src/testing/simulation/modelled-store.ts';
const keeper = 'src/adapters/postgres/journal/shard-keeper.ts';

/** Bugs of coordinators that share a store; those of the store itself stand for what its SQL keeps. */
export const clusterMutants: readonly Mutant[] = [
  {
    name: 'the store lets a former owner write',
    file: store,
    from: 'return row?.owner === me && row.epoch === epoch;',
    to: 'return row !== undefined && me > 0 && epoch > 0;',
    profile: 'cluster',
  },
  {
    name: 'a shard keeps its epoch when it is taken again',
    file: store,
    from: 'shard.epoch = underOwnNumber ? me : ++this.epochs;',
    to: 'shard.epoch = underOwnNumber ? me : Math.max(1, shard.epoch);',
    profile: 'cluster',
  },
  {
    name: 'a node that is cut off goes on',
    file: keeper,
    from: 'return !this.ended && this.lease.mayAct;',
    to: 'return !this.ended;',
    profile: 'cluster',
  },
  {
    name: 'a shard whose release did not arrive is taken up as it was',
    file: keeper,
    from: 'if (this.holds.has(shard) || givenUp.has(shard)) continue;',
    to: 'if (this.holds.has(shard) && givenUp.size >= 0) continue;',
    profile: 'cluster',
  },
  {
    name: 'a view is what the node itself knows',
    file: fleet,
    from: "const isLatest = !('mayAct' in this.journal) || (this.mayAct && run?.writing === false);",
    to: 'const isLatest = run?.writing !== undefined;',
    profile: 'cluster',
  },
  {
    name: 'a store that cannot be reached is an answer to a command',
    file: 'src/adapters/postgres/journal/news.ts',
    from: 'error instanceof ShardLostError || isStoreTrouble(error)',
    to: 'error instanceof ShardLostError && isStoreTrouble(error)',
    profile: 'cluster',
  },
  {
    name: 'a start beside another that is on its way is told that it is there',
    file: 'src/adapters/postgres/journal/owned-shard.ts',
    from: 'await queue.settled(sagaId);',
    to: "if ('sagas' in queue && (queue.sagas as Map<string, unknown>).has(sagaId)) throw Object.assign(new Error('in use'), { code: 'MAKEGOOD_APPEND_CONFLICT' });",
    profile: 'cluster',
  },
  {
    name: 'who has lost a saga refuses what is asked of it',
    file: 'src/tempo/elsewhere.ts',
    from: 'if (!isLoss(error)) throw error;',
    to: 'if (isLoss(error) || error !== undefined) throw error;',
    profile: 'cluster',
  },
  {
    name: 'what others place is never looked for',
    file: 'src/adapters/postgres/journal/news.ts',
    from: 'for (const [shard, own] of placed) await',
    to: 'for (const [shard, own] of placed) if (own.length > 1e6) await',
    profile: 'cluster',
  },
];
