export { RedisEvictionError, redisStore, type RedisStoreOptions } from './redis-idempotency-store.ts';
export type { RedisClient } from './redis-script.ts';
