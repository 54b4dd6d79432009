import type { ShardOwner } from '../../../journal/shared-journal.ts';
import { ShardLostError } from '../../../journal/shard-lost-error.ts';
import type { JsonValue } from '../../../saga/json-value.ts';
import { replyOf } from './command-box.ts';
import type { Hold } from './pending-write.ts';
import type { SagaReader } from './saga-reader.ts';
import { isStoreTrouble, type StatementLine } from './statement-line.ts';

interface NewsRow {
  readonly shard: number;
  readonly saga: string;
  /** `null` for a saga that was placed. */
  readonly command: string | null;
  readonly asker: string | null;
  readonly body: string | null;
  readonly done: boolean | null;
}

/** What the news of a node are read with. */
export interface NewsParts {
  readonly schema: string;
  readonly line: StatementLine;
  readonly reader: SagaReader;
  readonly owner: ShardOwner;
  /** The shards that are worked on here. */
  readonly ready: ReadonlyMap<number, Hold>;
  readonly node: () => number;
  /** Told which node has an answer. */
  readonly onAnswer: (asker: string) => void;
}

/** Reads what others have placed and asked in the shards of this node, and sees to it. */
export class News {
  private readonly parts: NewsParts;
  private readonly inHand = new Set<string>();

  constructor(parts: NewsParts) {
    this.parts = parts;
  }

  /** One reading at a time: what is placed is looked for twice, and nothing may move between. */
  async read(): Promise<void> {
    const { schema, line, ready } = this.parts;
    if (ready.size === 0) return;
    const holds = new Map(ready);
    const rows = await line.run<NewsRow>(
      `SELECT g.shard, g.id AS saga, NULL AS command, NULL AS asker, NULL AS body, NULL AS done FROM ${schema}.saga g
         WHERE g.epoch = 0 AND NOT g.finished AND g.shard = ANY ($1)
       UNION ALL SELECT * FROM (SELECT c.shard, c.saga, c.id::text, c.asker::text, c.body, c.done FROM ${schema}.command c
         WHERE c.answered_at IS NULL AND c.shard = ANY ($1) ORDER BY c.id LIMIT 1000) asked`,
      [[...holds.keys()]],
    );
    const placed = Map.groupBy(
      rows.filter(({ command }) => command === null),
      ({ shard }) => shard,
    );
    for (const [shard, own] of placed) await this.takeUp(holds.get(shard) as Hold, own);
    for (const row of rows) if (row.command !== null) this.carryOut(holds.get(row.shard) as Hold, row, row.command);
  }

  /**
   * Takes up what was placed. A saga may have been driven to its end since the first look, but not since the second: then
   * nobody here drove it, and nobody else may.
   */
  private async takeUp(hold: Hold, rows: readonly NewsRow[]): Promise<void> {
    const { owner, reader, ready } = this.parts;
    const { shard } = hold;
    const unknown = owner.unknown(
      shard,
      rows.map(({ saga }) => saga),
    );
    if (unknown.length === 0) return;
    const starts = await reader.placed(shard, unknown);
    if (ready.get(shard) === hold) owner.placed(shard, starts);
  }

  private carryOut(hold: Hold, { saga, body, asker, done }: NewsRow, command: string): void {
    if (this.inHand.has(command)) return;
    this.inHand.add(command);
    const asking = { id: command, isDone: done === true };
    const carriedOut = this.parts.owner.asked(saga, JSON.parse(body ?? 'null') as JsonValue, asking).then(
      (value) => this.answer(hold, command, asker ?? '', replyOf({ value })),
      // Who does not own the saga any more says nothing: the next owner finds the command. Nor who could not reach the
      // server meanwhile: that is no answer to what was asked, and the command is found again.
      (error: unknown) =>
        error instanceof ShardLostError || isStoreTrouble(error)
          ? undefined
          : this.answer(hold, command, asker ?? '', replyOf({ error })),
    );
    // An answer that could not be stored is given again: the command is still there.
    carriedOut.catch(() => undefined).finally(() => this.inHand.delete(command));
  }

  private async answer(hold: Hold, command: string, asker: string, reply: string): Promise<void> {
    const { schema, line, node, onAnswer } = this.parts;
    await line.run(`SELECT ${schema}.answer_1($1, $2, $3, $4)`, [node(), command, hold.epoch, reply]);
    onAnswer(asker);
  }
}
