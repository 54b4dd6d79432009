import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts } from '../../advisor/facts.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Fetch } from '../../ports/http.ts';
import { openWal } from '../../wal/wal.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** How long something took, of so many samples. */
export interface Measured {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What to measure. */
export interface MeasureOptions {
  /** A folder on the disk that the log will be on. */
  readonly folder: string;
  /** Participants, each called by HEAD; any answer counts. */
  readonly participants: readonly string[];
  /** The other nodes of the quorum. */
  readonly peers: readonly string[];
  readonly samples: number;
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
}

/** What was measured, and the facts that it makes. */
export interface Measurement {
  readonly log: Measured;
  readonly urls: Readonly<Record<string, Measured>>;
  readonly facts: Pick<Facts, 'fsyncP99' | 'quorumP99' | 'participantP99'>;
}

/** The figures of samples, by nearest rank. */
export function summarize(samplesMs: readonly number[]): Measured {
  const sorted = samplesMs.toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { samples: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

async function sample(
  count: number,
  clock: Clock,
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<Measured> {
  const samplesMs: number[] = [];
  // The first call opens files and connections, and is not counted.
  for (let number = 0; number <= count; number++) {
    signal.throwIfAborted();
    const startedMs = clock.monotonicMs();
    await work();
    if (number > 0) samplesMs.push(clock.monotonicMs() - startedMs);
  }
  return summarize(samplesMs);
}

/** One durable append after the other, to a log like that of a journal, which is removed afterwards. */
async function measureLog({ folder, samples, clock, signal }: MeasureOptions): Promise<Measured> {
  const path = await mkdtemp(join(folder, 'makegood-measure-'));
  try {
    await using wal = await openWal(path, { segmentBytes: 1024 * 1024 });
    const payload = 'x'.repeat(200);
    const entry = { kind: 1, state: 0, timestamp: 0, txId: 'measure', stepId: '', payload };
    return await sample(samples, clock, signal, () => wal.append([entry]));
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function measureUrl(url: string, { samples, clock, signal, fetch }: MeasureOptions): Promise<Measured> {
  try {
    return await sample(samples, clock, signal, async () => {
      const response = await fetch(url, { method: 'HEAD', signal, redirect: 'manual' });
      await response.body?.cancel();
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(`cannot measure ${url}: ${why}`, exitCodes.unreachable, { cause: error });
  }
}

/**
 * How long a quorum takes to acknowledge: its own flush, and the round trip to as many of the peers as make a majority
 * with it, the nearest ones; each peer's flush is taken to be as this machine's, at the same time.
 */
export function quorumMs(logMs: number, peersMs: readonly number[]): number {
  const needed = Math.floor((peersMs.length + 1) / 2);
  const nearest = peersMs.toSorted((left, right) => left - right);
  return logMs + (nearest[needed - 1] ?? 0);
}

function latency(ms: number): `${number}ms` {
  return `${Math.ceil(ms * 1000) / 1000}ms`;
}

/** Measures this machine's log and its way to others, one after the other so that none disturbs the next. */
export async function measureMachine(options: MeasureOptions): Promise<Measurement> {
  const log = await measureLog(options);
  const urls: Record<string, Measured> = {};
  for (const url of new Set([...options.participants, ...options.peers])) urls[url] = await measureUrl(url, options);
  const p99Of = (url: string): number => urls[url]?.p99Ms ?? 0;
  const participants = options.participants.map(p99Of);
  return {
    log,
    urls,
    facts: {
      fsyncP99: latency(log.p99Ms),
      quorumP99: latency(quorumMs(log.p99Ms, options.peers.map(p99Of))),
      ...(participants.length === 0 ? {} : { participantP99: latency(Math.max(...participants)) }),
    },
  };
}
