import type { ShardOwner } from '../../../journal/shared-journal.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { sleepMs } from '../../../time/sleep.ts';
import type { CommandBox } from './command-box.ts';
import type { Membership } from './membership.ts';
import { News, type NewsParts } from './news.ts';
import type { SettledWatch } from './settled-watch.ts';
import type { WakeUp } from './wake-up.ts';

/** What a node asks about, and what hints make it ask. */
export interface TidingsParts extends Omit<NewsParts, 'owner' | 'ready' | 'node' | 'onAnswer'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly pollMs: number;
  readonly membership: Membership;
  readonly commands: CommandBox;
  readonly watch: SettledWatch;
  readonly wakeUp: WakeUp;
}

/** Asks the server for what concerns this node: when a hint comes, and now and then, since hints may be lost. */
export class Tidings {
  private readonly parts: TidingsParts;
  private readonly closing = new AbortController();
  private news: News | undefined;
  private hinted = false;
  private wake: AbortController | undefined;
  private asking: Promise<void> | undefined;

  constructor(parts: TidingsParts) {
    this.parts = parts;
  }

  /** From here on the news of the shards are read, too. */
  readFor(owner: ShardOwner): void {
    const { membership, wakeUp } = this.parts;
    const onAnswer = (asker: string): void => wakeUp.tell(`a${asker}`);
    const parts = { ...this.parts, owner, ready: membership.ready, node: () => membership.node, onAnswer };
    this.news = new News(parts);
  }

  begin(): void {
    this.asking ??= this.askOn();
  }

  /** What others hint at. */
  heed(hints: readonly string[]): void {
    if (hints.some((hint) => this.concerns(hint))) this.hurry();
    if (hints.some((hint) => hint === 'f' || hint === '*')) this.parts.membership.hurry();
  }

  private concerns(hint: string): boolean {
    const { membership, watch } = this.parts;
    const number = Number(hint.slice(1));
    if (hint.startsWith('s')) return membership.ready.has(number);
    if (hint.startsWith('a')) return membership.node === number;
    return hint === '*' || (hint.startsWith('e') && watch.waitsFor(new Set([number])));
  }

  /** Does not wait for the next time. */
  hurry(): void {
    this.hinted = true;
    this.wake?.abort();
  }

  private async askOn(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      this.hinted = false;
      await this.ask();
      if (this.hinted) continue;
      this.wake = new AbortController();
      const either = AbortSignal.any([signal, this.wake.signal]);
      await sleepMs(this.pauseMs(), this.parts.clock, either).catch(() => undefined);
    }
  }

  private async ask(): Promise<void> {
    const { commands, watch } = this.parts;
    // Each by itself: what the server cannot tell now is asked again the next time.
    await Promise.allSettled([this.news?.read(), commands.fetch(), watch.isWaiting ? watch.ask() : undefined]);
  }

  // Spread by a fifth, so that nodes that were started together do not ask together.
  private pauseMs(): number {
    const { pollMs, wakeUp, random } = this.parts;
    return pollMs * (wakeUp.works ? 5 : 1) * (0.9 + 0.2 * random());
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.asking;
  }
}
