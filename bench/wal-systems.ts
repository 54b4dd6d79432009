/**
 * What `bench/wal.ts` compares: logs and stores that make a record of 200 bytes durable, each behind the same interface:
 * a promise an append, resolved once the record is on the disk.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RootDatabase, open as openLmdb } from 'lmdb';
import { Pool } from 'pg';
import type { Files } from '../dist/ports/index.js';
import { systemFiles } from '../dist/ports/system-files.js';
import { openWal } from '../dist/wal/index.js';
import { openBareLog } from './bare-log.ts';

export const recordBytes = 200;
const record = new Uint8Array(recordBytes).fill(65);
// 32 bytes of header and the two ids come on top: together the 200 that the others write.
const payload = new Uint8Array(160).fill(65);
/** Connections of the pool; a server with its default of 100 would let in no more than some 97. */
export const postgresConnections = 32;

/** The log on a disk that takes a millisecond longer for every flush, as one behind a network does. */
export const slowDisk = 'makegood, 1 ms more a flush';

/** A system that is being measured. */
export interface System {
  readonly append: () => Promise<unknown>;
  readonly close: () => unknown;
}

/** Resolves all that came in during a turn of the event loop together: the group commit of those who have none. */
function onceATurn(commit: (count: number) => void): () => Promise<void> {
  let waiting: (() => void)[] = [];
  const flush = (): void => {
    const answered = waiting;
    waiting = [];
    commit(answered.length);
    for (const resolve of answered) resolve();
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(flush);
    });
}

function openSqlite(folder: string): DatabaseSync {
  const database = new DatabaseSync(`${folder}/log.db`);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (id INTEGER PRIMARY KEY, data BLOB)',
  );
  return database;
}

async function openPostgres(url: string): Promise<System> {
  const pool = new Pool({ connectionString: url, max: postgresConnections });
  await pool.query('DROP TABLE IF EXISTS log');
  await pool.query('CREATE TABLE log (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data BYTEA)');
  const insert = { name: 'insert', text: 'INSERT INTO log (data) VALUES ($1)', values: [Buffer.from(record)] };
  return { append: () => pool.query(insert), close: () => pool.end() };
}

const slowFiles: Files = {
  ...systemFiles,
  open: async (path, mode, options) => {
    const file = await systemFiles.open(path, mode, options);
    if (options?.durable !== true) return file;
    const write: typeof file.write = async (...what) => {
      const written = await file.write(...what);
      await sleep(1);
      return written;
    };
    return {
      read: (...where) => file.read(...where),
      write,
      sync: () => file.sync(),
      size: () => file.size(),
      close: () => file.close(),
    };
  },
};

async function openMakegood(folder: string, files: Files): Promise<System> {
  const wal = await openWal(folder, { files });
  const entry = { kind: 1, state: 2, timestamp: 1, txId: 'order-1', stepId: '1', payload };
  return { append: () => wal.append([entry]), close: () => wal.close() };
}

/** All systems by name; `url` is that of a PostgreSQL server with `fsync` on. */
export function systems(url: string): Readonly<Record<string, (folder: string) => Promise<System> | System>> {
  return {
    makegood: (folder) => openMakegood(folder, systemFiles),
    [slowDisk]: (folder) => openMakegood(folder, slowFiles),
    'bare log': (folder) => {
      const log = openBareLog(`${folder}/log`, 1 << 29);
      return { append: () => log.append(record), close: () => log.close() };
    },
    'write + fdatasync loop': (folder) => {
      const file = openSync(`${folder}/log`, 'w');
      const append = onceATurn((count) => {
        writeSync(file, new Uint8Array(count * recordBytes));
        fdatasyncSync(file);
      });
      return { append, close: () => closeSync(file) };
    },
    'node:sqlite, one transaction a turn': (folder) => {
      const database = openSqlite(folder);
      const insert = database.prepare('INSERT INTO log (data) VALUES (?)');
      const append = onceATurn((count) => {
        database.exec('BEGIN');
        for (let index = 0; index < count; index++) insert.run(record);
        database.exec('COMMIT');
      });
      return { append, close: () => database.close() };
    },
    'node:sqlite, one transaction an append': (folder) => {
      const database = openSqlite(folder);
      const insert = database.prepare('INSERT INTO log (data) VALUES (?)');
      const append = (): Promise<void> => {
        insert.run(record);
        return Promise.resolve();
      };
      return { append, close: () => database.close() };
    },
    lmdb: (folder) => {
      // By default a put resolves before its transaction is flushed.
      const database: RootDatabase<Uint8Array, number> = openLmdb({
        path: `${folder}/lmdb`,
        keyEncoding: 'uint32',
        encoding: 'binary',
        overlappingSync: false,
      });
      let key = 0;
      return { append: () => database.put(key++, record), close: () => database.close() };
    },
    'PostgreSQL 18, one transaction an append': () => openPostgres(url),
  };
}
