export { purgeSqliteBarrier, sqliteBarrier, type SqliteBarrierOptions } from './sqlite-barrier.ts';
