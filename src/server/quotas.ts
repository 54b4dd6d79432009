import { afterTaking, isDue, nextTokenMs } from '../guards/token-bucket.ts';
import type { Clock } from '../ports/clock.ts';
import type { SagaEvent } from '../tempo/events.ts';
import { ProblemError } from '../wire/problem.ts';
import { namespaceOf } from './namespaces.ts';

/** What a namespace may ask of a server. Each default is no bound. */
export interface Quota {
  /** Starts and restarts, on the average of a second. */
  readonly startsPerSecond?: number;
  /** How many of them may come at once. Default `startsPerSecond`, and 1 at least. */
  readonly burst?: number;
  /** Unfinished sagas that this server drives. */
  readonly maxUnfinished?: number;
  /** Bytes of bodies, on the average of a second; as many may come at once, and a longer body than those is never taken. */
  readonly bytesPerSecond?: number;
}

/** Quotas by namespace; `'*'` is for every one that is not named. Credentials of no namespace have none. */
export type Quotas = Readonly<Record<string, Quota>>;

/** A bucket of tokens that are taken several at a time. */
class Bucket {
  private readonly intervalMs: number;
  private readonly burst: number;
  private fullAtMs = 0;

  constructor(perSecond: number, burst: number) {
    this.intervalMs = 1000 / perSecond;
    this.burst = burst;
  }

  /** Takes so many; 0, or how long until they could be taken. `Infinity`: never. */
  take(count: number, nowMs: number): number {
    if (count > this.burst) return Infinity;
    const dueMs = nextTokenMs(this.fullAtMs, this.intervalMs, this.burst - count + 1);
    if (!isDue(dueMs, nowMs)) return dueMs - nowMs;
    this.fullAtMs = afterTaking(this.fullAtMs, nowMs, this.intervalMs * count);
    return 0;
  }

  isFull(nowMs: number): boolean {
    return this.fullAtMs <= nowMs;
  }
}

interface Usage {
  readonly starts: Bucket | undefined;
  readonly bytes: Bucket | undefined;
  starting: number;
}

// Namespaces that have asked for nothing of late are forgotten; their buckets are full again.
const usagesKept = 10_000;

function checkQuotas(quotas: Quotas): void {
  for (const [namespace, quota] of Object.entries(quotas)) {
    for (const [name, value] of Object.entries(quota) as [string, unknown][]) {
      const isCount = typeof value === 'number' && Number.isFinite(value) && value > 0;
      if (!isCount)
        throw new RangeError(`Expected ${name} of quota "${namespace}" to be above 0, got ${String(value)}`);
    }
  }
}

/** Holds namespaces to what they may ask, so that one of them cannot take what belongs to all. */
export class QuotaDesk {
  private readonly quotas: ReadonlyMap<string, Quota>;
  private readonly clock: Clock;
  private readonly usages = new Map<string, Usage>();
  /** Unfinished sagas by namespace; `undefined` when they must be counted anew. */
  private unfinished: Map<string, number> | undefined;
  private readonly driven: () => Iterable<string>;

  /** @param driven the ids of the unfinished sagas that are driven here. */
  constructor(quotas: Quotas, clock: Clock, driven: () => Iterable<string>) {
    checkQuotas(quotas);
    this.quotas = new Map(Object.entries(quotas));
    this.clock = clock;
    this.driven = driven;
  }

  /** Hears what begins and ends. */
  hear(event: SagaEvent): void {
    // Shards come and go with all their sagas.
    if (event.type.startsWith('tempo.')) this.unfinished = undefined;
    if (event.type !== 'saga.record' || this.unfinished === undefined) return;
    const { record, sagaId } = event;
    if (record.type === 'saga-started') this.count(sagaId, 1);
    const isEnd =
      record.type === 'saga-completed' || record.type === 'saga-compensated' || record.type === 'saga-closed';
    if (isEnd) this.count(sagaId, -1);
  }

  private count(sagaId: string, change: 1 | -1): void {
    const namespace = namespaceOf(sagaId);
    const { unfinished } = this;
    if (unfinished === undefined) return;
    const count = (unfinished.get(namespace) ?? 0) + change;
    if (count > 0) unfinished.set(namespace, count);
    else unfinished.delete(namespace);
  }

  /** Refuses a body for which there is no room. */
  takeBytes(namespace: string | undefined, bytes: number): void {
    const usage = this.usageOf(namespace);
    if (usage?.bytes !== undefined && bytes > 0)
      refuseUntil('bytes', usage.bytes.take(bytes, this.clock.monotonicMs()));
  }

  /** Makes a start for which there is room. `isThere`: whether it asks for a saga that was accepted before. */
  async start<Result>(
    namespace: string | undefined,
    isThere: () => Promise<boolean>,
    make: () => Promise<Result>,
  ): Promise<Result> {
    const usage = this.usageOf(namespace);
    if (usage === undefined || namespace === undefined) return await make();
    if (usage.starts !== undefined) refuseUntil('starts', usage.starts.take(1, this.clock.monotonicMs()));
    const { maxUnfinished = Infinity } = this.quotaOf(namespace) ?? {};
    if (maxUnfinished !== Infinity && this.standing(namespace) + usage.starting >= maxUnfinished && !(await isThere()))
      refuseUntil('unfinished sagas', 1000);
    usage.starting++;
    try {
      return await make();
    } finally {
      usage.starting--;
    }
  }

  private standing(namespace: string): number {
    if (this.unfinished === undefined) {
      this.unfinished = new Map();
      for (const id of this.driven()) this.count(id, 1);
    }
    return this.unfinished.get(namespace) ?? 0;
  }

  private quotaOf(namespace: string): Quota | undefined {
    return this.quotas.get(namespace) ?? this.quotas.get('*');
  }

  private usageOf(namespace: string | undefined): Usage | undefined {
    const quota = namespace === undefined ? undefined : this.quotaOf(namespace);
    if (namespace === undefined || quota === undefined) return undefined;
    const known = this.usages.get(namespace);
    if (known !== undefined) return known;
    if (this.usages.size >= usagesKept) this.forgetIdle();
    const { startsPerSecond, burst = Math.max(1, startsPerSecond ?? 1), bytesPerSecond } = quota;
    const usage: Usage = {
      starts: startsPerSecond === undefined ? undefined : new Bucket(startsPerSecond, burst),
      bytes: bytesPerSecond === undefined ? undefined : new Bucket(bytesPerSecond, bytesPerSecond),
      starting: 0,
    };
    this.usages.set(namespace, usage);
    return usage;
  }

  private forgetIdle(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [namespace, { starts, bytes, starting }] of this.usages) {
      const isIdle = starting === 0 && starts?.isFull(nowMs) !== false && bytes?.isFull(nowMs) !== false;
      if (isIdle) this.usages.delete(namespace);
    }
  }
}

/** Says that there is no room for so long. */
function refuseUntil(what: string, waitMs: number): void {
  if (waitMs === 0) return;
  if (waitMs === Infinity)
    throw new ProblemError('quota-exceeded', `the quota of ${what} of this namespace is smaller than this request`);
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  throw new ProblemError('quota-exceeded', `the quota of ${what} of this namespace is used up`, {
    headers: { 'retry-after': String(seconds) },
  });
}
