import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { UsageError } from '../exit-codes.ts';
import { audit } from './audit.ts';
import { planKills } from './kill-plan.ts';
import { OrderFeed } from './order-feed.ts';
import type { Order } from './order.ts';
import type { RunProgress } from './progress.ts';
import { readEvidence } from './read-evidence.ts';
import { type DemoReport, percentile } from './report.ts';
import { type RunCounts, superviseRun } from './supervise.ts';

/** What a demo run is asked for; checked already. */
export interface DemoOptions {
  readonly orders: readonly Order[];
  readonly source: string;
  readonly badRows: readonly string[];
  readonly seed: number;
  /** The chance that an attempt meets a fault on the wire, 0 to 1. */
  readonly failRate: number;
  /** How often the coordinator is killed. */
  readonly kills: number;
  readonly inFlight: number;
  /** Keep everything here; must be empty or not exist. Absent: a temporary folder, removed when all is well. */
  readonly folder: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
  /** Told where the data is, when it stays. */
  readonly onDataKept: (folder: string) => void;
}

const shownBadRows = 20;

async function prepareFolder(folder: string | undefined): Promise<string> {
  if (folder === undefined) return mkdtemp(join(tmpdir(), 'makegood-demo-'));
  const path = resolve(folder);
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new UsageError(`Expected --data to be a folder that can be made, got ${folder}: ${error.message}`, {
      cause: error,
    });
  });
  const entries = await readdir(path);
  if (entries.length > 0) {
    throw new UsageError(
      `Expected --data to be an empty folder, ${folder} holds ${entries.length} entries; name another`,
    );
  }
  return path;
}

/**
 * Runs the whole demo: processes, faults, kills, and the audit of what they left on the disk.
 *
 * @throws {UsageError} when the data folder cannot be used; the signal's reason when interrupted; an Error when a
 *   process failed by itself. No process is left in any case.
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const folder = await prepareFolder(options.folder);
  let keep = true;
  try {
    const report = await runIn(folder, options);
    keep = !report.audit.ok;
    return report;
  } catch (error) {
    // Interrupted on purpose: there is nothing to look into.
    if (options.signal.aborted) keep = false;
    throw error;
  } finally {
    if (keep || options.folder !== undefined) options.onDataKept(folder);
    else await rm(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, options: DemoOptions): Promise<DemoReport> {
  const { orders, seed, failRate, kills, inFlight, clock, signal } = options;
  const killPlan = planKills({ total: orders.length, kills, seed, inFlight });
  const feed = new OrderFeed(orders, killPlan.window);
  const counts = await superviseRun({
    folder,
    feed,
    killPlan,
    faults: { seed, failRate },
    concurrency: inFlight,
    clock,
    signal,
    onProgress: (struck) => options.onProgress({ ended: feed.endedCount, total: feed.total, kills: struck }),
  });
  return {
    input: {
      source: options.source,
      orders: orders.length,
      lines: orders.reduce((sum, order) => sum + order.lines.length, 0),
      badRowCount: options.badRows.length,
      badRows: options.badRows.slice(0, shownBadRows),
    },
    run: measure(feed, counts, { seed, failRate, inFlight: killPlan.window }),
    audit: audit(await readEvidence(folder, orders, feed)),
  };
}

function measure(
  feed: OrderFeed,
  counts: RunCounts,
  asked: Pick<DemoReport['run'], 'seed' | 'failRate' | 'inFlight'>,
): DemoReport['run'] {
  const seconds = feed.elapsedMs / 1000;
  return {
    ...asked,
    seconds,
    sagasPerSecond: seconds > 0 ? feed.endedCount / seconds : 0,
    p50Ms: percentile(feed.latenciesMs, 0.5),
    p99Ms: percentile(feed.latenciesMs, 0.99),
    ...counts,
  };
}
