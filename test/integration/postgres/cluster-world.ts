import { Pool } from 'pg';
import {
  openPostgresJournal,
  type PostgresJournalOptions,
  type PostgresPool,
} from '../../../src/adapters/postgres/index.ts';
import { type SagaDefinition, saga } from '../../../src/saga/index.ts';
import { openTempo, type SagaEvent, type Tempo, type TempoOptions } from '../../../src/tempo/index.ts';

/** A node of a cluster, in this process, with connections of its own. */
export interface Node extends AsyncDisposable {
  readonly tempo: Tempo;
  readonly events: SagaEvent[];
  /** Shards that it drives now. */
  readonly shards: ReadonlySet<number>;
  /** Its connections. */
  readonly pool: Pool;
}

export interface NodeOptions extends Partial<Omit<PostgresJournalOptions, 'pool'>> {
  readonly sagas: readonly SagaDefinition[];
  readonly tempo?: Partial<TempoOptions>;
  /** What stands between the node and its connections. */
  readonly through?: (pool: Pool) => PostgresPool;
}

/** Opens a node of the cluster that lives in a schema. */
export async function openNode(url: string, schema: string, options: NodeOptions): Promise<Node> {
  const pool = new Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 1000 });
  pool.on('error', () => undefined);
  const { sagas, tempo: tempoOptions, through = (own) => own, ...rest } = options;
  const journal = await openPostgresJournal({
    pool: through(pool),
    schema,
    shards: 8,
    lease: '1s',
    pollEvery: '50ms',
    ...rest,
  });
  const events: SagaEvent[] = [];
  const shards = new Set<number>();
  const observer = (event: SagaEvent): void => {
    events.push(event);
    if (event.type === 'tempo.shard-opened') shards.add(event.shard);
    if (event.type === 'tempo.shard-lost' || event.type === 'tempo.shard-handed-over') shards.delete(event.shard);
  };
  const tempo = await openTempo({ journal, sagas, observer, ...tempoOptions });
  return {
    tempo,
    events,
    shards,
    pool,
    async [Symbol.asyncDispose]() {
      await tempo.close();
      await pool.end();
    },
  };
}

/** What the steps of the sagas here have done, by saga and step. */
export class Ledger {
  readonly effects: string[] = [];

  note(effect: string): void {
    this.effects.push(effect);
  }

  countOf(effect: string): number {
    return this.effects.filter((own) => own === effect).length;
  }
}

/** A saga of three steps and a wait for a signal in the middle. */
export function approvalSaga(ledger: Ledger) {
  return saga('approval')
    .input<{ readonly amount: number }>()
    .step('reserve', {
      run: ({ sagaId }) => ledger.note(`${sagaId} reserve`),
      compensate: ({ sagaId }) => ledger.note(`${sagaId} release`),
    })
    .wait('approved')
    .step('charge', {
      run: ({ sagaId, epoch }) => {
        ledger.note(`${sagaId} charge`);
        return { epoch };
      },
      compensate: ({ sagaId }) => ledger.note(`${sagaId} refund`),
    })
    .output(({ results }) => ({ epoch: results.charge.epoch }));
}

/** Asks again and again until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not so within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
