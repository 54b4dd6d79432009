import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../ports/system-clock.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { generateOrders } from './generate-orders.ts';
import type { Order } from './order.ts';
import { readOrders } from './orders-csv.ts';
import { runProgressLine } from './progress.ts';
import { reportText } from './report.ts';
import { runDemo } from './run-demo.ts';

/** What may be asked for on the command line, as text. */
export interface DemoFlags {
  readonly orders?: string;
  readonly count?: string;
  readonly seed?: string;
  readonly failRate?: string;
  readonly kill?: boolean;
  readonly kills?: string;
  readonly inFlight?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** The flags, checked, with their defaults. */
export interface DemoSettings {
  readonly ordersFile: string | undefined;
  readonly count: number;
  readonly seed: number;
  readonly failRate: number;
  readonly kills: number;
  readonly inFlight: number;
}

// Beyond this the answers of one machine take longer than the steps' time-out, and the demo shows nothing but retries.
const mostInFlight = 1000;

/** What is used when the command line does not say. */
const demoDefaults = Object.freeze({ count: 2000, seed: 1, failRate: 0.1, kills: 5, inFlight: 256 });

function readInteger(name: string, text: string | undefined, otherwise: number, low: number, high: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new UsageError(`Expected ${name} to be an integer from ${low} to ${high}, got ${JSON.stringify(text)}`);
}

function readShare(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new UsageError(`Expected ${name} to be a number from 0 to 1, got ${JSON.stringify(text)}`);
}

/**
 * Checks the command line's flags, all of them before anything is started.
 *
 * @throws {UsageError} for the first one that cannot be used.
 * @example
 * readDemoFlags({ count: '10' }).inFlight // => 256
 */
export function readDemoFlags(flags: DemoFlags): DemoSettings {
  if (flags.orders !== undefined && flags.count !== undefined) {
    throw new UsageError('Expected either --orders or --count, got both: a file brings its own number of orders');
  }
  const kills = readInteger('--kills', flags.kills, demoDefaults.kills, 1, 100);
  return {
    ordersFile: flags.orders,
    count: readInteger('--count', flags.count, demoDefaults.count, 1, 1_000_000),
    seed: readInteger('--seed', flags.seed, demoDefaults.seed, 0, 2 ** 32 - 1),
    failRate: readShare('--fail-rate', flags.failRate, demoDefaults.failRate),
    kills: flags.kill === true || flags.kills !== undefined ? kills : 0,
    inFlight: readInteger('--in-flight', flags.inFlight, demoDefaults.inFlight, 1, mostInFlight),
  };
}

interface Input {
  readonly orders: readonly Order[];
  readonly badRows: readonly string[];
  readonly source: string;
}

async function loadOrders({ ordersFile, count, seed }: DemoSettings): Promise<Input> {
  if (ordersFile === undefined)
    return { orders: generateOrders({ count, seed }), badRows: [], source: `generated from seed ${seed}` };
  const text = await readFile(ordersFile, 'utf8').catch((error: Error) => {
    throw new UsageError(`Expected --orders to be a file that can be read: ${error.message}`, { cause: error });
  });
  const source = basename(ordersFile);
  const { orders, badRows } = readOrders(text, source);
  if (orders.length > 0) return { orders, badRows, source };
  const why = badRows[0] === undefined ? 'it has no rows' : `${badRows.length} rows, all bad; the first: ${badRows[0]}`;
  throw new UsageError(`Expected ${source} to hold at least one order: ${why}`);
}

async function demo(flags: DemoFlags, signal: AbortSignal): Promise<number> {
  const settings = readDemoFlags(flags);
  const { orders, badRows, source } = await loadOrders(settings);
  for (const row of badRows.slice(0, 20)) process.stderr.write(`${row}\n`);
  if (badRows.length > 20) process.stderr.write(`… and ${badRows.length - 20} more bad rows\n`);
  const progress = new ProgressDisplay(process.stderr, systemClock);
  const { seed, failRate, kills, inFlight } = settings;
  const report = await runDemo({
    orders,
    source,
    badRows,
    seed,
    failRate,
    kills,
    inFlight,
    folder: flags.data,
    clock: systemClock,
    signal,
    onProgress: (state) => progress.show((elapsedMs) => runProgressLine(state, elapsedMs)),
    onDataKept: (folder) => process.stderr.write(`the data is in ${folder}\n`),
  }).finally(() => progress.end());
  const color = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  process.stdout.write(flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : reportText(report, { color }));
  return report.audit.ok ? exitCodes.ok : exitCodes.failed;
}

/**
 * The command `makegood demo`.
 *
 * @param signal ends the run and every process it started.
 * @param finish is called with the exit status.
 */
export function demoCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  const { count, seed, failRate, kills, inFlight } = demoDefaults;
  return new Command('demo')
    .description(
      'Place orders with three participants over a faulty wire, and audit what they did.\n' +
        'Each participant is a process with its own data; faults, and with --kill crashes of the coordinator, are real.',
    )
    .option('--orders <file.csv>', 'orders to place: InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice')
    .option('--count <n>', `how many orders to generate when no file is given (default ${count})`)
    .option('--seed <n>', `seed of generated orders, faults and kills (default ${seed})`)
    .option('--fail-rate <share>', `chance that an attempt meets a fault, 0 to 1 (default ${failRate})`)
    .option('--kill', `kill the coordinator ${kills} times with SIGKILL and start it again`)
    .option('--kills <n>', 'kill it this many times instead')
    .option('--in-flight <n>', `orders in flight at most (default ${inFlight})`)
    .option('--data <dir>', 'keep journal and databases in this empty folder (default: temporary, kept when not OK)')
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', '\nExit status: 0 audit OK, 1 not OK, 2 wrong usage, 130 interrupted.')
    .action(async (flags: DemoFlags) => finish(await demo(flags, signal)));
}
