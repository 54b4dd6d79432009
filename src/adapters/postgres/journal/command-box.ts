import { MakegoodError, type MakegoodErrorCode } from '../../../errors.ts';
import { JournalClosedError } from '../../../journal/journal.ts';
import { OwnerSilentError } from '../../../journal/owner-silent-error.ts';
import type { Clock, TimerHandle } from '../../../ports/clock.ts';
import type { JsonValue } from '../../../saga/json-value.ts';
import type { StatementLine } from './statement-line.ts';

/** Somebody who waits for an answer. */
interface Asker {
  readonly answered: PromiseWithResolvers<JsonValue>;
  readonly timer: TimerHandle;
}

/** An answer as it is stored. */
type Reply =
  | { readonly value: JsonValue }
  | { readonly error: { readonly name: string; readonly message: string; readonly code?: string } & object };

/** What is asked of other nodes, and who waits for which answer. */
export class CommandBox {
  private readonly schema: string;
  private readonly line: StatementLine;
  private readonly clock: Clock;
  private readonly patienceMs: number;
  private readonly askers = new Map<string, Asker>();

  constructor(schema: string, line: StatementLine, clock: Clock, patienceMs: number) {
    this.schema = schema;
    this.line = line;
    this.clock = clock;
    this.patienceMs = patienceMs;
  }

  /** Stores a command; `answer` resolves when its answer was fetched. */
  async ask(
    asker: number,
    shard: number,
    saga: string,
    command: JsonValue,
  ): Promise<{ readonly answer: Promise<JsonValue> }> {
    const text = `INSERT INTO ${this.schema}.command (asker, shard, saga, body) VALUES ($1, $2, $3, $4) RETURNING id`;
    const [row] = await this.line.run<{ readonly id: string }>(text, [asker, shard, saga, JSON.stringify(command)]);
    const id = row?.id ?? '';
    const answered = Promise.withResolvers<JsonValue>();
    const timer = this.clock.setTimer(this.patienceMs, () => {
      this.askers.delete(id);
      answered.reject(new OwnerSilentError(saga, this.patienceMs));
    });
    this.askers.set(id, { answered, timer });
    return { answer: answered.promise };
  }

  get isWaiting(): boolean {
    return this.askers.size > 0;
  }

  /** Fetches the answers that are there. */
  async fetch(): Promise<void> {
    if (this.askers.size === 0) return;
    const rows = await this.line.run<{ readonly id: string; readonly answer: string }>(
      `SELECT id, answer FROM ${this.schema}.command WHERE id = ANY ($1::bigint[]) AND answered_at IS NOT NULL`,
      [[...this.askers.keys()]],
    );
    for (const { id, answer } of rows) {
      const asker = this.askers.get(id);
      if (asker === undefined) continue;
      this.askers.delete(id);
      this.clock.clearTimer(asker.timer);
      const reply = JSON.parse(answer) as Reply;
      if ('value' in reply) asker.answered.resolve(reply.value);
      else asker.answered.reject(errorOf(reply.error));
    }
    if (rows.length === 0) return;
    await this.line.run(`DELETE FROM ${this.schema}.command WHERE id = ANY ($1::bigint[])`, [rows.map(({ id }) => id)]);
  }

  close(): void {
    for (const { answered, timer } of this.askers.values()) {
      this.clock.clearTimer(timer);
      answered.reject(new JournalClosedError());
    }
    this.askers.clear();
  }
}

/** What an owner answers: what came of it, or why it was refused. */
export function replyOf(outcome: { readonly value: JsonValue } | { readonly error: unknown }): string {
  if ('value' in outcome) return JSON.stringify({ value: outcome.value } satisfies Reply);
  const { error } = outcome;
  if (!(error instanceof Error)) return JSON.stringify({ error: { name: 'Error', message: String(error) } });
  // The facts that an error carries as fields travel with it.
  const facts = Object.fromEntries(Object.entries(error));
  return JSON.stringify({ error: { ...facts, name: error.name, message: error.message, cause: undefined } });
}

function errorOf({ name, message, code, ...facts }: { name: string; message: string; code?: string }): Error {
  const kinds: Readonly<Record<string, new (message: string) => Error>> = { TypeError, RangeError };
  const Kind = kinds[name] ?? Error;
  const error = code?.startsWith('MAKEGOOD_')
    ? new MakegoodError(code as MakegoodErrorCode, message)
    : new Kind(message);
  return Object.assign(error, facts, { name });
}
