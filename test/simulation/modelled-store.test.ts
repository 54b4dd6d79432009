/**
 * The modelled PostgreSQL is trusted only where it agrees with the real one: so it keeps the contract that the journal keeps
 * on a real server (`test/integration/postgres`), and what is said there of leases and fences.
 */
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../scripts/services.ts';
import { openModelledJournal } from '../../scripts/simulate/cluster-journal.ts';
import { appendText, appendValues } from '../../src/adapters/postgres/journal/append-statement.ts';
import { releaseText } from '../../src/adapters/postgres/journal/node-lease.ts';
import { type Hold, PendingWrite } from '../../src/adapters/postgres/journal/pending-write.ts';
import { factsOf } from '../../src/adapters/postgres/journal/write-facts.ts';
import { migratePostgres } from '../../src/adapters/postgres/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { journalContract } from '../../src/testing/index.ts';
import { Faults } from '../../src/testing/simulation/faults.ts';
import { Kernel } from '../../src/testing/simulation/kernel.ts';
import { ModelledServer } from '../../src/testing/simulation/modelled-server.ts';
import { carryOut } from '../../src/testing/simulation/modelled-statements.ts';
import { ModelledStore } from '../../src/testing/simulation/modelled-store.ts';
import { SimulatedProcess } from '../../src/testing/simulation/simulated-process.ts';

const settings = { leaseMs: 3000, pollMs: 200, appendConnections: 1, maxBatchAppends: 1024 };

/** A modelled server whose time goes on while something is done. */
function world() {
  const random = seededRandom(1);
  const kernel = new Kernel(random);
  const store = new ModelledStore(4, () => 1_700_000_000_000 + kernel.now);
  const server = new ModelledServer(store, kernel, new Faults(random, {}), random);
  const stores = new WeakMap<Journal, ModelledServer>();
  const open = async (): Promise<Journal> => {
    const process = new SimulatedProcess(kernel, 1, { skewMs: 0, rate: 1 });
    const pool = server.poolFor(process);
    const journal = await openModelledJournal({ ...settings, pool, clock: process.clock, random, name: undefined });
    stores.set(journal, server);
    return journal;
  };
  const reopen = async (journal: Journal): Promise<Journal> => {
    await journal.close();
    return await open();
  };
  return { kernel, open, reopen };
}

describe('the modelled server keeps the contract of a journal', () => {
  for (const { name, run } of journalContract)
    test(name, async () => {
      const { kernel, open, reopen } = world();
      const ran = run({ open, reopen }).then(
        () => kernel.fail('done'),
        (error: unknown) => kernel.fail(error),
      );
      await expect(kernel.run(3_600_000)).rejects.toBe('done');
      await ran;
    });
});

/** What a script of statements is answered, in words that do not depend on numbers that only one server hands out. */
type Ask = (text: string, values: unknown[]) => Promise<readonly unknown[]>;

let postgres: Service;
let pool: Pool;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, max: 2 });
}, 60_000);
afterAll(async () => {
  await pool.end();
  await postgres[Symbol.asyncDispose]();
});

const ttlMs = 60_000;

function batch(node: number, shard: number, epoch: number, sagaIds: readonly string[], expectedSeq = 0): unknown[] {
  const hold: Hold = { shard, epoch, lost: undefined };
  const header = { epoch, timestamp: 1 };
  const started = { ...header, seq: 1, type: 'saga-started', name: 'n', version: '1', definition: 'd' } as const;
  const first = { ...started, steps: ['a', 'é "\\'], input: { text: 'ü\\"' } };
  const next = { ...header, seq: expectedSeq + 1, type: 'step-started', step: 'é "\\', attempt: 1 } as const;
  const records = [expectedSeq === 0 ? first : next];
  const writes = sagaIds.map((sagaId) => {
    const append = { shard, sagaId, records, expectedSeq };
    return new PendingWrite(factsOf(append, 'running', undefined), epoch === 0 ? undefined : hold, '7');
  });
  return appendValues(node, writes);
}

interface Tended {
  readonly alive: boolean;
  readonly nodes: number;
  readonly share: number;
  readonly free: number;
  readonly shards: readonly number[];
  readonly epochs: readonly number[];
}

/** A day in the life of two nodes, and of a third that died. */
async function day(ask: Ask, schema: string): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  const enlist = async (name: string, lastsMs: number): Promise<number> => {
    const [row] = await ask(`SELECT ${schema}.enlist_1($1, $2, $3) AS id`, [name, 'v', lastsMs]);
    return Number((row as { id: string }).id);
  };
  const tend = async (who: string, me: number, takes: string): Promise<Tended> => {
    const [row] = await ask(`SELECT * FROM ${schema}.tend_1($1, $2, $3)`, [me, ttlMs, takes]);
    const tended = row as Tended;
    const { alive, nodes, share, free, shards } = tended;
    told.push([who, alive, alive ? [nodes, share, free, shards] : undefined]);
    return tended;
  };
  const append = async (what: string, values: unknown[]): Promise<void> => {
    const rows = (await ask(appendText(schema), values)) as readonly { written: number }[];
    told.push([what, rows.map(({ written }) => written).toSorted((one, other) => one - other)]);
  };
  const dead = await enlist('dead', 1);
  const one = await enlist('one', ttlMs);
  // Its lease was over at once: it takes nothing, and cannot come back.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await tend('dead', dead, 'share');
  const alone = await tend('one', one, 'share');
  const epoch = alone.epochs[3] ?? 0;
  await append('the owner starts two', batch(one, 3, epoch, ['a', 'b "q\\"']));
  await append('again', batch(one, 3, epoch, ['a']));
  await append('one of them goes on, one is new', batch(one, 3, epoch, ['a', 'nobody'], 1));
  await append('behind the wrong record', batch(one, 3, epoch, ['a'], 1));
  const two = await enlist('two', ttlMs);
  await tend('two', two, 'share');
  await tend('one', one, 'share');
  await ask(releaseText(schema), [one, [2, 3], [0, 0]]);
  await append('a release by other epochs frees nothing', batch(one, 3, epoch, ['kept']));
  await ask(releaseText(schema), [one, [2, 3], alone.epochs.slice(2)]);
  await append('released and not taken', batch(one, 3, epoch, ['c']));
  const taker = await tend('two', two, 'share');
  const taken = taker.epochs[taker.shards.indexOf(3)] ?? 0;
  told.push(['a taken shard has a later epoch', taken > epoch]);
  await append('the former owner', batch(one, 3, epoch, ['a'], 2));
  await append('the former owner, under the new epoch', batch(one, 3, taken, ['a'], 2));
  await append('the new owner, under the old epoch', batch(two, 3, epoch, ['a'], 2));
  await append('the new owner', batch(two, 3, taken, ['a'], 2));
  await append('somebody places one', batch(one, 3, 0, ['placed']));
  await append('somebody places what is there', batch(one, 3, 0, ['a']));
  // The same name again: its past is dead, and what it owned is free.
  const again = await enlist('two', ttlMs);
  await tend('two, before', two, 'share');
  const back = await tend('two, again', again, 'share');
  told.push(['also to the same name', (back.epochs[back.shards.indexOf(3)] ?? 0) > taken]);
  await append('its former life', batch(two, 3, taken, ['a'], 3));
  await ask(`SELECT ${schema}.leave_1($1)`, [again]);
  await tend('one, alone again', one, 'share');
  await tend('one wants all, and has them under epochs that are not its number', one, 'all');
  return told;
}

test('leases, epochs and the fence answer as those of a real server do', async () => {
  const store = new ModelledStore(4, () => Date.now());
  const modelled = await day(async (text, values) => carryOut(store, text, values), 'modelled');
  await migratePostgres({ pool, schema: 'day', shards: 4 });
  const real = await day(async (text, values) => (await pool.query(text, values)).rows, 'day');
  expect(modelled).toEqual(real);
  expect(real.length).toBeGreaterThan(20);
});
