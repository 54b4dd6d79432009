import type { Pool } from 'pg';
import { schema } from './cluster.ts';
import { steps } from './messages.ts';

/** What the effects and the journal say of a saga. */
export interface AuditedSaga {
  readonly id: string;
  readonly kind: 'good' | 'refused';
  readonly status: string | undefined;
  /** Effects in their order, `step/phase`. */
  readonly effects: readonly string[];
}

/**
 * What is wrong with a saga that should have ended: it completed with each action done once and none undone, or it was
 * undone with each effect of an action taken back, in the reverse order.
 */
export function violationOf({ id, kind, status, effects }: AuditedSaga): string | undefined {
  const done = steps.map((step) => `${step}/action`);
  // The last step of a refused order has no effect; what is undone without an effect leaves one of its own.
  const undone = steps.toReversed().map((step) => `${step}/compensation`);
  const wanted = kind === 'good' ? done : [...done.slice(0, -1), ...undone.slice(1)];
  const wantedStatus = kind === 'good' ? 'completed' : 'compensated';
  if (status !== wantedStatus) return `${id}: expected to be ${wantedStatus}, is ${status ?? 'not there'}`;
  if (effects.join(' ') === wanted.join(' ')) return undefined;
  return `${id}: expected the effects ${wanted.join(' ')}, got ${effects.join(' ')}`;
}

/** The sagas that have not ended yet. */
export async function unfinishedOf(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query(`SELECT id FROM ${schema}.saga WHERE NOT finished ORDER BY id`);
  return (rows as { id: string }[]).map(({ id }) => id);
}

/** What is wrong with the effects, the sagas and the journal, all told. */
export async function audit(
  pool: Pool,
  started: ReadonlyMap<string, 'good' | 'refused'>,
  accepted: ReadonlySet<string>,
): Promise<readonly string[]> {
  const sagas = (await pool.query(`SELECT id, status FROM ${schema}.saga`)).rows as { id: string; status: string }[];
  const statuses = new Map(sagas.map(({ id, status }) => [id, status]));
  const rows = (await pool.query('SELECT saga, step, phase FROM effect ORDER BY place')).rows as {
    saga: string;
    step: string;
    phase: string;
  }[];
  const effects = Map.groupBy(rows, ({ saga }) => saga);
  const violations: string[] = [];
  for (const [id, kind] of started) {
    const status = statuses.get(id);
    // A start that nobody heard of may have come to nothing.
    if (status === undefined && !accepted.has(id) && !effects.has(id)) continue;
    const own = (effects.get(id) ?? []).map(({ step, phase }) => `${step}/${phase}`);
    const violation = violationOf({ id, kind, status, effects: own });
    if (violation !== undefined) violations.push(violation);
  }
  const { rows: gaps } = await pool.query(`SELECT g.id FROM ${schema}.saga g JOIN ${schema}.journal j
    ON j.day = g.day AND j.saga = g.key GROUP BY g.id, g.seq HAVING count(*) <> g.seq OR max(j.seq) <> g.seq`);
  for (const { id } of gaps as { id: string }[]) violations.push(`${id}: its records have a gap`);
  return violations;
}
