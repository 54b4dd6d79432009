import type { Clock } from '../ports/clock.ts';
import { type EntryLog, memoryEntryLog } from '../ports/entry-log.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { sleepMs } from '../time/sleep.ts';
import { AuthorityBook, type AuthorityEntry } from './authority-book.ts';
import { type Judged, judgeDecisions } from './judge-decisions.ts';
import type { DecisionRules, ProvisionalDecision, Verdict } from './provisional-decision.ts';

/** What a node asks when it can reach the authority again. */
export interface JudgeRequest<Body> {
  readonly node: string;
  /** Its decisions without a verdict, in order. */
  readonly decisions: readonly ProvisionalDecision<Body>[];
  /** Up to where it has kept its verdicts. */
  readonly acknowledged: number;
}

/** What the authority answers, when it is durable. */
export interface JudgeAnswer<State> {
  readonly epoch: number;
  /** One for each decision that was asked about. */
  readonly verdicts: readonly Verdict[];
  /** The states, as they are now, of the keys that were asked about. */
  readonly states: ReadonlyMap<string, State>;
}

/**
 * Whose verdict is final.
 *
 * An implementer keeps: a decision that was judged once is never judged again, however often it is asked about; nothing is
 * answered before it is durable; of two authorities that were opened on the same log, the older can judge no more.
 */
export interface DecisionAuthority<Body, State> {
  judge(
    request: JudgeRequest<Body>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<JudgeAnswer<State>>;
}

/** Options of {@link openDecisionAuthority}. */
export interface AuthorityOptions<Body, State> {
  readonly rules: DecisionRules<Body, State>;
  /** Where states and verdicts are kept. Default: memory. */
  readonly log?: EntryLog<AuthorityEntry<State>>;
  /**
   * How long to wait for the decisions of other nodes before judging, so that after a partition the newer epoch and the
   * earlier time come first, and not who asks first. Default `'100ms'`.
   */
  readonly gather?: Duration;
  /** Default the system's clock. */
  readonly clock?: Clock;
}

/** An authority that holds its log while it is open. */
export interface OpenAuthority<Body, State> extends DecisionAuthority<Body, State> {
  /** Grows by one with each opening. */
  readonly epoch: number;
  /** The state of a key as it was judged. */
  stateOf(key: string): State;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class LoggedAuthority<Body, State> implements OpenAuthority<Body, State> {
  private readonly book: AuthorityBook<State>;
  private readonly log: EntryLog<AuthorityEntry<State>>;
  private readonly rules: DecisionRules<Body, State>;
  private readonly gatherMs: number;
  private readonly clock: Clock;
  private gathered: ProvisionalDecision<Body>[] = [];
  private gathering: Promise<void> | undefined;
  private judging: Promise<void> = Promise.resolve();

  constructor(log: EntryLog<AuthorityEntry<State>>, rules: DecisionRules<Body, State>, gatherMs: number, clock: Clock) {
    this.book = new AuthorityBook<State>(rules);
    this.log = log;
    this.rules = rules;
    this.gatherMs = gatherMs;
    this.clock = clock;
  }

  get epoch(): number {
    return this.book.epoch;
  }

  stateOf(key: string): State {
    return this.book.stateOf(key);
  }

  async start(): Promise<void> {
    await this.log.recover(this.book);
    await this.log.append([{ type: 'epoch', key: 'authority', epoch: this.book.epoch + 1 }]);
  }

  async judge(
    { node, decisions, acknowledged }: JudgeRequest<Body>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<JudgeAnswer<State>> {
    signal?.throwIfAborted();
    const fresh = decisions.filter(({ sequence }) => sequence > this.book.judgedOf(node));
    if (fresh.length > 0) {
      this.gathered.push(...fresh);
      this.gathering ??= this.judgeSoon();
      await this.gathering;
    }
    const unjudged = decisions.find(({ sequence }) => sequence > this.book.judgedOf(node));
    if (unjudged !== undefined) throw new RangeError(`Expected decision "${unjudged.id}" to be judged by now`);
    if (acknowledged > 0) await this.log.append([{ type: 'acknowledged', key: node, upTo: acknowledged }]);
    const verdicts = decisions.flatMap(({ sequence }) => this.book.verdictOf(node, sequence) ?? []);
    const states = new Map(decisions.map(({ key }) => [key, this.book.stateOf(key)]));
    return { epoch: this.book.epoch, verdicts, states };
  }

  private async judgeSoon(): Promise<void> {
    // A later turn even for 0: whoever asked first must have taken this promise before the round begins.
    await sleepMs(this.gatherMs, this.clock, undefined);
    this.gathering = undefined;
    const round = this.gathered;
    this.gathered = [];
    // One round after the other: the next is judged on what this one has made durable.
    const turn = this.judging.then(() => this.judgeRound(round));
    this.judging = turn.catch(ignore);
    return turn;
  }

  private async judgeRound(round: readonly ProvisionalDecision<Body>[]): Promise<void> {
    // A node that asked again while it was waiting is in the round twice; one asked about before may be judged by now.
    const unjudged = new Map<string, ProvisionalDecision<Body>>();
    for (const decision of round)
      if (decision.sequence > this.book.judgedOf(decision.node))
        unjudged.set(`${decision.sequence} ${decision.node}`, decision);
    const judged = judgeDecisions([...unjudged.values()], (key) => this.book.stateOf(key), this.rules, this.book.epoch);
    if (judged.length > 0) await this.log.append([entryOf(judged)]);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function ignore(): void {}

function entryOf<Body, State>(judged: readonly Judged<Body, State>[]): AuthorityEntry<State> {
  return {
    type: 'judged',
    key: 'authority',
    verdicts: judged.map(({ decision: { node, sequence }, verdict }) => ({ node, sequence, verdict })),
    states: [...new Map(judged.map(({ decision: { key }, state }) => [key, state]))],
  };
}

/**
 * Opens the authority over provisional decisions: what it says of one is final. Decisions that arrive within `gather` are
 * judged together, those of the newer epoch first. Each opening is a new epoch, which nodes learn with its answers.
 *
 * @param options.rules the rules of the business, the same as on the nodes.
 * @returns the authority, to be closed. Its promises reject with what the log says, and then nothing was judged.
 * @example
 * await using authority = await openDecisionAuthority<number, number>({
 *   rules: { initial: () => 1, apply: (left, wanted) => (wanted <= left ? { state: left - wanted } : { conflict: 'sold out' }) },
 *   gather: 0,
 * });
 * authority.epoch // => 1
 */
export async function openDecisionAuthority<Body, State>(
  options: AuthorityOptions<Body, State>,
): Promise<OpenAuthority<Body, State>> {
  const { rules, log = memoryEntryLog<AuthorityEntry<State>>(), clock = systemClock } = options;
  if (typeof rules?.apply !== 'function' || typeof rules.initial !== 'function')
    throw new TypeError('Expected rules to have the functions initial and apply');
  const authority = new LoggedAuthority<Body, State>(log, rules, toMs(options.gather ?? '100ms', 'gather'), clock);
  await authority.start();
  return authority;
}
