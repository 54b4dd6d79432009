/**
 * A participant in memory that keeps the protocol, written apart from `makegood/participant`, in which each rule can be
 * broken by name: the kit must find the very rule that was broken.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

export type Bug =
  | 'knows no duplicates'
  | 'answers duplicates without the reply'
  | 'locks nothing'
  | 'locks each phase apart'
  | 'looks at the row before it has the lock'
  | 'keys by saga alone'
  | 'keys without regard to case'
  | 'cuts ids at 64 characters'
  | 'writes effects outside the transaction'
  | 'commits the row before the effect'
  | 'leaves no tombstone for a compensation'
  | 'leaves no tombstone for a probe'
  | 'undoes what was never done'
  | 'undoes what was refused'
  | 'undoes again'
  | 'undoes nothing'
  | 'forgets a step that is undone'
  | 'needs the output to undo'
  | 'ignores epochs'
  | 'ignores the epoch of compensations'
  | 'replays to a stale epoch'
  | 'keeps the first epoch'
  | 'keeps epochs in 32 bits'
  | 'forgets refusals'
  | 'refuses with 400'
  | 'keeps what was written before the refusal'
  | 'calls refused applied'
  | 'probes without the lock'
  | 'probes without the output'
  | 'makes headers up'
  | 'reads numbers leniently'
  | 'takes any phase for an action'
  | 'takes any key'
  | 'takes any id'
  | 'takes any method'
  | 'takes any body'
  | 'reads bodies without end'
  | 'refuses headers that it does not know'
  | 'answers in plain text'
  | 'answers late calls done'
  | 'keeps rows in memory'
  | 'works after the time is up';

interface Reply {
  readonly status: number;
  readonly body: string;
}

interface Row {
  readonly epoch: number;
  readonly action: 'applied' | 'refused' | 'barred';
  readonly reply?: Reply | undefined;
  readonly undone?: Reply | undefined;
}

interface Call {
  readonly saga: string;
  readonly step: string;
  readonly phase: string;
  readonly epoch: number;
  readonly deadlineMs: number;
}

type Effect = 'applied' | 'undone';

/** What a call writes with its row, or, with the bug, before it. */
interface Writes {
  readonly note: (effect: Effect) => void;
  readonly takeBack: () => void;
}

const digits = /^\d{1,15}$/;
const namePattern = /^[\w.~:@-]{1,200}$/;
const isName = (text: string): boolean => namePattern.test(text) && text !== '..' && text !== '.';
const problem = (status: number, code: string): Reply => ({ status, body: JSON.stringify({ code, message: code }) });

class Refused extends Error {
  readonly reply: Reply;

  constructor(status: number, code: string) {
    super(code);
    this.reply = problem(status, code);
  }
}

export class CarelessParticipant {
  private readonly bug: Bug | undefined;
  private readonly rows = new Map<string, Row>();
  private readonly effects = new Map<string, { applied: number; undone: number }>();
  private readonly locks = new Map<string, Promise<void>>();
  private life = 0;
  /** Transactions between their writes and their commit. */
  private atWork = 0;

  constructor(bug?: Bug) {
    this.bug = bug;
  }

  /** A `fetch` that reaches this participant, and nobody else. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/effects') {
      const of = `${searchParams.get('saga')}/${searchParams.get('step')}`;
      return Response.json(this.effects.get(of) ?? { applied: 0, undone: 0 });
    }
    const { life } = this;
    const { status, body } = await this.answer(request);
    if (life !== this.life) throw new TypeError('fetch failed', { cause: new Error('ECONNRESET') });
    request.signal.throwIfAborted();
    const plain = this.bug === 'answers in plain text';
    const type = plain ? 'text/plain' : status < 400 ? 'application/json' : 'application/problem+json';
    const headers = { 'Content-Type': type, ...(status !== 409 && status >= 400 && { 'Makegood-Effect': 'none' }) };
    return new Response(body === '' ? null : body, { status, headers: body === '' ? {} : headers });
  };

  /** Kills it, if it can in the middle of a transaction: whatever is under way is rolled back. */
  async restart(): Promise<void> {
    for (let tries = 0; this.atWork === 0 && tries < 20; tries++) await sleep(1);
    this.life++;
    this.locks.clear();
    if (this.bug === 'keeps rows in memory') this.rows.clear();
    await sleep(5);
  }

  private async answer(request: Request): Promise<Reply> {
    try {
      const call = this.readCall(request);
      const body = await this.readBody(request, call);
      return await this.transaction(call, body);
    } catch (error) {
      if (error instanceof Refused) return error.reply;
      return problem(500, 'internal');
    }
  }

  private readCall({ method, headers }: Request): Call {
    const { bug } = this;
    if (method !== 'POST' && bug !== 'takes any method') throw new Refused(405, 'method');
    const read = (header: string, otherwise: string): string => {
      const text = headers.get(header) ?? (bug === 'makes headers up' ? otherwise : undefined);
      if (text === undefined) throw new Refused(400, 'bad-header');
      return text;
    };
    const count = (header: string): number => {
      const text = read(header, '1');
      if (bug === 'reads numbers leniently') return Number.parseInt(text, 10);
      if (!digits.test(text)) throw new Refused(400, 'bad-header');
      return Number(text);
    };
    const saga = read('makegood-saga', 'unknown');
    const step = read('makegood-step', 'unknown');
    const phase = read('makegood-phase', 'action');
    if (!['action', 'compensation', 'status'].includes(phase) && bug !== 'takes any phase for an action')
      throw new Refused(400, 'bad-header');
    if (!isName(saga) && bug !== 'takes any id') throw new Refused(400, 'bad-header');
    const key = read('idempotency-key', `${saga}/${step}/${phase}`);
    const wanted = `${saga}/${step}/${phase === 'compensation' ? phase : 'action'}`;
    if (key !== wanted && bug !== 'takes any key' && bug !== 'makes headers up') throw new Refused(400, 'bad-header');
    if (headers.has('makegood-future') && bug === 'refuses headers that it does not know')
      throw new Refused(400, 'bad-header');
    count('makegood-attempt');
    return { saga, step, phase, epoch: count('makegood-epoch'), deadlineMs: Number(headers.get('makegood-deadline')) };
  }

  private async readBody(request: Request, { deadlineMs }: Call): Promise<Record<string, unknown>> {
    const bytes = request.body === null ? new Uint8Array() : new Uint8Array(await request.arrayBuffer());
    if (bytes.length > 1024 * 1024 && this.bug !== 'reads bodies without end') throw new Refused(413, 'too-large');
    if (deadlineMs === 0 && this.bug !== 'works after the time is up') throw new Refused(503, 'deadline');
    const text = new TextDecoder().decode(bytes);
    if (this.bug === 'takes any body' || request.method !== 'POST' || text.length > 1024 * 1024) return {};
    const isJson = request.headers.get('content-type') === 'application/json';
    const [opening = ''] = /^\[*/.exec(text) ?? [];
    if (!isJson || opening.length > 64 || text.includes('\uFFFD')) throw new Refused(400, 'unreadable');
    try {
      const body = JSON.parse(text) as Record<string, unknown>;
      return body;
    } catch {
      throw new Refused(400, 'unreadable');
    }
  }

  private async transaction(call: Call, body: Record<string, unknown>): Promise<Reply> {
    const { bug, life } = this;
    let key = bug === 'keys by saga alone' ? call.saga : `${call.saga}/${call.step}`;
    if (bug === 'keys without regard to case') key = key.toLowerCase();
    if (bug === 'cuts ids at 64 characters') key = `${call.saga.slice(0, 64)}/${call.step}`;
    const early = this.rows.get(key);
    const unlock = await this.lock(call, key);
    try {
      const row = bug === 'looks at the row before it has the lock' ? early : this.rows.get(key);
      await turn();
      const effects: Effect[] = [];
      const writes: Writes = {
        note: (effect) => {
          if (bug === 'writes effects outside the transaction') this.count(call, effect);
          else effects.push(effect);
        },
        takeBack: () => void effects.splice(0),
      };
      const [reply, kept] = this.decide(row, call, body, writes);
      if (bug === 'commits the row before the effect' && kept !== undefined) this.rows.set(key, kept);
      this.atWork++;
      await sleep(2);
      this.atWork--;
      const late = call.deadlineMs < 4 && call.deadlineMs > 0;
      if (life !== this.life || late) return problem(503, 'deadline');
      for (const effect of effects) this.count(call, effect);
      if (kept === undefined) this.rows.delete(key);
      else this.rows.set(key, kept);
      return reply;
    } finally {
      unlock();
    }
  }

  /** What to answer, and the row to keep; `undefined` keeps none. */
  private decide(
    row: Row | undefined,
    call: Call,
    body: Record<string, unknown>,
    writes: Writes,
  ): [Reply, Row | undefined] {
    const { bug } = this;
    const ignored =
      bug === 'ignores epochs' || (bug === 'ignores the epoch of compensations' && call.phase !== 'action');
    const seen = bug === 'keeps epochs in 32 bits' ? (row?.epoch ?? 0) | 0 : (row?.epoch ?? 0);
    const given = bug === 'keeps epochs in 32 bits' ? call.epoch | 0 : call.epoch;
    const replays = bug === 'replays to a stale epoch' && call.phase === 'action' && row?.reply !== undefined;
    if (given < seen && !ignored && !replays) return [problem(409, 'stale-epoch'), row];
    const epoch = bug === 'keeps the first epoch' && row !== undefined ? row.epoch : call.epoch;
    if (call.phase === 'status') return this.probe(row, epoch);
    if (call.phase === 'compensation') return this.undo(row, epoch, body, writes);
    if (row?.reply !== undefined && bug !== 'knows no duplicates') {
      const reply = bug === 'answers duplicates without the reply' ? { status: 204, body: '' } : row.reply;
      return [reply, { ...row, epoch }];
    }
    if (row?.action === 'barred')
      return [bug === 'answers late calls done' ? { status: 204, body: '' } : problem(409, 'aborted'), row];
    return this.act(body, epoch, writes);
  }

  private act(body: Record<string, unknown>, epoch: number, { note, takeBack }: Writes): [Reply, Row] {
    const { bug } = this;
    note('applied');
    const quantity = Number(body['quantity'] ?? 1);
    if (quantity <= 5) {
      const reply = { status: 200, body: JSON.stringify({ reserved: quantity }) };
      return [reply, { epoch, action: 'applied', reply }];
    }
    if (bug !== 'keeps what was written before the refusal') takeBack();
    if (bug === 'forgets refusals') throw new Refused(409, 'SOLD_OUT');
    const reply = problem(bug === 'refuses with 400' ? 400 : 409, 'SOLD_OUT');
    return [reply, { epoch, action: 'refused', reply }];
  }

  private probe(row: Row | undefined, epoch: number): [Reply, Row | undefined] {
    const { bug } = this;
    const applied = row?.action === 'applied' || (bug === 'calls refused applied' && row?.action === 'refused');
    if (applied) {
      const output = bug === 'probes without the output' ? '' : `,"output":${row.reply?.body}`;
      return [
        { status: 200, body: `{"effect":"applied"${output}}` },
        { ...row, epoch },
      ];
    }
    const none = { status: 200, body: '{"effect":"none"}' };
    const barred: Row = { ...(row ?? { action: 'barred' }), epoch };
    return [none, bug === 'leaves no tombstone for a probe' ? row : barred];
  }

  private undo(
    row: Row | undefined,
    epoch: number,
    body: Record<string, unknown>,
    { note }: Writes,
  ): [Reply, Row | undefined] {
    const { bug } = this;
    const reply = { status: 200, body: '{"undone":true}' };
    if (row?.undone !== undefined && bug !== 'undoes again') return [row.undone, { ...row, epoch }];
    if (bug === 'needs the output to undo' && body['output'] === undefined) throw new Error('no output');
    const isApplied = row?.action === 'applied' || (row?.action === 'refused' && bug === 'undoes what was refused');
    const isUndone = isApplied && bug !== 'undoes nothing';
    if (isUndone || (row === undefined && bug === 'undoes what was never done')) note('undone');
    if (row !== undefined && bug === 'forgets a step that is undone') return [reply, undefined];
    if (row === undefined && bug === 'leaves no tombstone for a compensation') return [reply, undefined];
    return [reply, { ...(row ?? { action: 'barred' }), epoch, undone: reply }];
  }

  private count({ saga, step }: Call, effect: Effect): void {
    const of = `${saga}/${step}`;
    const counted = this.effects.get(of) ?? { applied: 0, undone: 0 };
    this.effects.set(of, { ...counted, [effect]: counted[effect] + 1 });
  }

  private async lock({ phase }: Call, key: string): Promise<() => void> {
    const { bug } = this;
    if (bug === 'locks nothing' || (bug === 'probes without the lock' && phase === 'status')) return () => undefined;
    const name = bug === 'locks each phase apart' ? `${phase} ${key}` : key;
    const before = this.locks.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.locks.set(name, promise);
    await before;
    return resolve;
  }
}
