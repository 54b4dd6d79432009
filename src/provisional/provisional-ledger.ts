import type { HybridClock } from '../causality/hybrid-clock.ts';
import { ScopeTurns } from '../causality/scope-turns.ts';
import { notify } from '../ports/notify.ts';
import { CompensationRuns } from './compensation-runs.ts';
import type { DecisionAuthority } from './decision-authority.ts';
import { type DecisionStatus, LedgerBook, type LedgerItem } from './ledger-book.ts';
import { type LedgerSettings, type ProvisionalLedgerOptions, resolveLedgerOptions } from './ledger-options.ts';
import type { ProvisionalDecision } from './provisional-decision.ts';
import { LedgerClosedError, ProvisionalFullError } from './provisional-errors.ts';

/** What became of a proposal here; the authority may say otherwise later. */
export type Proposal<Body> =
  | { readonly accepted: true; readonly decision: ProvisionalDecision<Body> }
  | { readonly accepted: false; readonly conflict: string };

/** What a reconciliation has brought. */
export interface Reconciliation<Body> {
  readonly epoch: number;
  readonly confirmed: number;
  /** Decisions that were overruled; their compensations have begun. */
  readonly conflicts: readonly LedgerItem<Body>[];
}

/** Decisions that a node makes on its own, until it can ask. */
export interface ProvisionalLedger<Body, State> {
  /** The newest epoch that was heard of. */
  readonly epoch: number;
  /**
   * Decides on what is known here, durably and without asking anybody. Proposing the same id again gives the same decision.
   *
   * @throws {ProvisionalFullError} when too many decisions wait for a verdict.
   */
  propose(proposal: { readonly id: string; readonly key: string; readonly body: Body }): Promise<Proposal<Body>>;
  /** The state of a key as this node sees it, its own provisional decisions included. */
  stateOf(key: string): State;
  get(id: string): LedgerItem<Body> | undefined;
  list(filter: { readonly status: DecisionStatus }): readonly LedgerItem<Body>[];
  /**
   * Asks the authority about everything that has no verdict. What is overruled is reported and compensated; this does not
   * wait for that. Safe to repeat: a verdict that was lost on its way is given again.
   */
  reconcile(
    authority: DecisionAuthority<Body, State>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Reconciliation<Body>>;
  /** Resolves when every compensation that was begun is done, or waits for a person. */
  settle(): Promise<void>;
  /** Tries to compensate again, with new attempts, what needs a person. */
  retry(id: string): Promise<void>;
  /** Closes what needs a person: it was made good by hand. */
  resolve(id: string, options: { readonly note: string }): Promise<void>;
  /** Stops compensating, and closes the log and the clock. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class NodeLedger<Body, State> implements ProvisionalLedger<Body, State> {
  private readonly settings: LedgerSettings<Body, State>;
  private readonly clock: HybridClock;
  private readonly book: LedgerBook<Body, State>;
  private readonly turns = new ScopeTurns();
  private readonly runs: CompensationRuns<Body>;
  private reserved = 0;
  private closing: Promise<void> | undefined;

  constructor(settings: LedgerSettings<Body, State>) {
    const { log, hybridClock, rules, keepFinished } = settings;
    this.settings = settings;
    this.clock = hybridClock;
    this.book = new LedgerBook<Body, State>(rules, keepFinished);
    this.runs = new CompensationRuns<Body>({
      ...settings,
      itemOf: (id) => this.book.items.get(id),
      compensate: (item, signal) =>
        settings.compensate(item, {
          idempotencyKey: `${item.decision.id}/compensation`,
          attempt: item.attempts,
          signal,
        }),
      noteAttempt: (key, attempt) => log.append([{ type: 'compensating', key, attempt }]),
      noteDone: (key) => log.append([{ type: 'compensated', key }]),
      noteGivenUp: async (key, error) => {
        await log.append([{ type: 'given-up', key, error: error instanceof Error ? error.message : String(error) }]);
        notify(settings.observer, { type: 'provisional.needs-human', id: key, error });
      },
    });
  }

  get epoch(): number {
    return this.book.epoch;
  }

  async start(): Promise<void> {
    await this.settings.log.recover(this.book);
    this.reserved = this.book.sequence;
    this.runs.add(this.list({ status: 'overruled' }).map(({ decision }) => decision.id));
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async propose(proposal: { readonly id: string; readonly key: string; readonly body: Body }): Promise<Proposal<Body>> {
    this.guard();
    for (const name of ['id', 'key'] as const)
      if (typeof proposal[name] !== 'string' || proposal[name] === '')
        throw new TypeError(`Expected ${name} of a proposal to be text, got ${JSON.stringify(proposal[name])}`);
    // Decisions on one key are made one after the other: the next sees what this one has made durable.
    return this.turns.run(proposal.key, () => this.decide(proposal));
  }

  private async decide({ id, key, body }: { id: string; key: string; body: Body }): Promise<Proposal<Body>> {
    const known = this.book.items.get(id);
    if (known !== undefined) return { accepted: true, decision: known.decision };
    const { undecided, epoch } = this.book;
    if (undecided.size >= this.settings.maxUndecided) throw new ProvisionalFullError(undecided.size);
    const ruling = this.settings.rules.apply(this.book.stateOf(key), body);
    if ('conflict' in ruling) return { accepted: false, conflict: ruling.conflict };
    const at = await this.clock.send();
    this.guard();
    // Taken and appended in one turn: numbers have no gaps, and stand in the log in their order.
    const sequence = ++this.reserved;
    const decision = { id, key, node: this.settings.node, sequence, epoch, at, body };
    await this.settings.log.append([{ type: 'decided', key: id, decision }]);
    return { accepted: true, decision };
  }

  stateOf(key: string): State {
    return this.book.stateOf(key);
  }

  get(id: string): LedgerItem<Body> | undefined {
    return this.book.items.get(id);
  }

  list({ status }: { readonly status: DecisionStatus }): readonly LedgerItem<Body>[] {
    return [...this.book.items.values()].filter((item) => item.status === status);
  }

  async reconcile(
    authority: DecisionAuthority<Body, State>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Reconciliation<Body>> {
    this.guard();
    const asked = [...this.book.undecided.values()];
    const { acknowledged } = this.book;
    const request = { node: this.settings.node, decisions: asked, acknowledged };
    const { epoch, verdicts, states } = await authority.judge(request, options);
    this.guard();
    const news = verdicts.filter(({ id }) => this.book.undecided.has(id));
    await this.settings.log.append([{ type: 'judged', key: 'ledger', epoch, verdicts: news, states: [...states] }]);
    const overruled = news.filter((verdict) => verdict.outcome === 'overruled');
    const conflicts = overruled.flatMap(({ id }) => this.book.items.get(id) ?? []);
    for (const { id, conflict, epoch: by } of overruled) {
      const key = this.book.items.get(id)?.decision.key ?? '';
      notify(this.settings.observer, { type: 'provisional.conflict', id, key, conflict, epoch: by });
    }
    this.runs.add(overruled.map(({ id }) => id));
    return { epoch, confirmed: news.length - overruled.length, conflicts };
  }

  settle(): Promise<void> {
    return this.runs.settle();
  }

  async retry(id: string): Promise<void> {
    this.needsHuman(id);
    await this.settings.log.append([{ type: 'retried', key: id }]);
    this.runs.add([id]);
  }

  async resolve(id: string, { note }: { readonly note: string }): Promise<void> {
    this.needsHuman(id);
    await this.settings.log.append([{ type: 'compensated', key: id, note }]);
  }

  private needsHuman(id: string): void {
    this.guard();
    const status = this.book.items.get(id)?.status;
    if (status !== 'needs-human') throw new TypeError(`Expected decision "${id}" to need a person, it is ${status}`);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async finish(): Promise<void> {
    await this.runs.close(new LedgerClosedError());
    await this.turns.settle();
    await this.settings.log.close();
    await this.clock.close();
  }

  private guard(): void {
    if (this.closing !== undefined) throw new LedgerClosedError();
  }
}

/**
 * Opens a ledger of decisions that a node makes on its own while it is cut off: each is durable here and marked as
 * provisional. When the authority can be reached, `reconcile` has them judged: those of the newer epoch first, then by
 * hybrid time. What is overruled is reported as a conflict and compensated, with retries that are counted durably, and
 * then by a person.
 *
 * @param options.node the node's name; its numbers are its own, so no two nodes may share one.
 * @param options.rules the rules of the business, the same everywhere; pure.
 * @param options.compensate makes an overruled decision good; called again after a failure or a crash, with one key.
 * @returns the ledger, to be closed.
 * @throws {TypeError} or {RangeError} when an option is missing or out of its bounds.
 * @see Helland, "Life beyond Distributed Transactions: an Apostate's Opinion", CIDR 2007 (tentative operations).
 * @example
 * const rules = {
 *   initial: () => 1,
 *   apply: (left: number, wanted: number) => (wanted <= left ? { state: left - wanted } : { conflict: 'sold out' }),
 * };
 * await using north = await openProvisionalLedger({ node: 'north', rules, compensate: () => undefined });
 * await using south = await openProvisionalLedger({ node: 'south', rules, compensate: () => undefined });
 * await north.propose({ id: 'order-1', key: 'apples', body: 1 });
 * await south.propose({ id: 'order-2', key: 'apples', body: 1 });
 * await using authority = await openDecisionAuthority({ rules, gather: 0 });
 * (await north.reconcile(authority)).confirmed // => 1
 * (await south.reconcile(authority)).conflicts.map(({ conflict }) => conflict) // => ['sold out']
 */
export async function openProvisionalLedger<Body, State>(
  options: ProvisionalLedgerOptions<Body, State>,
): Promise<ProvisionalLedger<Body, State>> {
  const ledger = new NodeLedger<Body, State>(await resolveLedgerOptions(options));
  await ledger.start();
  return ledger;
}
