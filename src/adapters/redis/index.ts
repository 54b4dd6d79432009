export { redisBarrier, redisBarrierDefaults, type RedisBarrierOptions } from './redis-barrier.ts';
export type { RedisTransaction } from './redis-transaction.ts';
export { RedisEvictionError } from './redis-fitness.ts';
export { redisStore, type RedisStoreOptions } from './redis-idempotency-store.ts';
export type { RedisClient } from './redis-script.ts';
