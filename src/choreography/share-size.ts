// So many events run alone after a shared run has failed, or was slow, before another is tried.
const aloneFor = 256;

/** How many events share a transaction: fewer after one that has failed or took long, then slowly more again. */
export class ShareSize {
  private readonly most: number;
  private size: number;
  private alone = 0;

  constructor(most: number) {
    this.most = most;
    this.size = most;
  }

  /** 1 when each has a transaction of its own. */
  get now(): number {
    return this.size;
  }

  /** A shared run has failed: something in it may go wrong again, and takes the others' work with it. */
  failed(): void {
    this.size = 1;
    this.alone = 0;
  }

  /** A shared run has come to so many of its events before its time was over. */
  ran(done: number, all: number): void {
    if (done < all) this.size = Math.max(1, done);
    else if (all >= this.size) this.size = Math.min(this.most, all + Math.max(1, all >> 2));
  }

  ranAlone(): void {
    if (this.size > 1 || this.most === 1) return;
    if (++this.alone < aloneFor) return;
    this.alone = 0;
    this.size = 2;
  }
}
