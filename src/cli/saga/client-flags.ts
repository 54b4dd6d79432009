import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ServerRefusedError, ServerUnreachableError } from '../../client/client-errors.ts';
import { type MakegoodClient, makegoodClient } from '../../client/makegood-client.ts';
import type { JsonValue } from '../../saga/json-value.ts';
import { CommandError, exitCodes, UsageError } from '../exit-codes.ts';
import { visibleJson } from '../visible.ts';

/** What every command that asks a server may be given. */
export interface ClientFlags {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

/** Adds the flags of {@link ClientFlags}. */
export function withClientFlags(command: Command, forms: 'json' | 'json and jsonl' = 'json'): Command {
  command
    .option('--url <url>', 'the server (default: $MAKEGOOD_URL, or http://127.0.0.1:7788)')
    .option('--token <token>', 'a bearer token (default: $MAKEGOOD_TOKEN)')
    .option('--json', 'print one JSON document');
  return forms === 'json' ? command : command.option('--jsonl', 'print a line of JSON for each');
}

/** A client of the server that the flags or the environment name. */
export function clientOf({ url, token }: ClientFlags): MakegoodClient {
  const { MAKEGOOD_URL, MAKEGOOD_TOKEN } = process.env;
  const own = token ?? MAKEGOOD_TOKEN;
  return makegoodClient({
    url: url ?? MAKEGOOD_URL ?? 'http://127.0.0.1:7788',
    ...(own === undefined ? {} : { token: own }),
  });
}

const statusOfProblem: Readonly<Record<number, number>> = {
  400: exitCodes.usage,
  404: exitCodes.notFound,
  409: exitCodes.conflict,
  410: exitCodes.conflict,
  412: exitCodes.conflict,
  413: exitCodes.usage,
  415: exitCodes.usage,
  422: exitCodes.usage,
  503: exitCodes.unreachable,
};

/** Runs what asks a server; its refusals become exit statuses. */
export async function asking<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServerUnreachableError) {
      throw new CommandError(error.message, exitCodes.unreachable, { cause: error });
    }
    if (!(error instanceof ServerRefusedError)) throw error;
    const { status, problem } = error;
    const places = (problem.errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`).join('');
    throw new CommandError(
      `${problem.detail} (${problem.code})${places}`,
      statusOfProblem[status] ?? exitCodes.failed,
      {
        cause: error,
      },
    );
  }
}

/** Prints to stdout; resolves when it was taken. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Prints a document as JSON, or as people read it. */
export function printAs({ json }: ClientFlags, value: unknown, text: () => string): Promise<void> {
  return print(json === true ? `${visibleJson(JSON.stringify(value, null, 2))}\n` : text());
}

function textOf(flag: string, given: string): string {
  try {
    if (given === '-') return readFileSync(0, 'utf8');
    return given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given;
  } catch (error) {
    throw new UsageError(`${flag} cannot be read: ${String(error)}`, { cause: error });
  }
}

/** Reads JSON that was given as text, as `@file`, or as `-` for stdin. */
export function readJsonFlag(flag: string, given: string): JsonValue {
  try {
    return JSON.parse(textOf(flag, given)) as JsonValue;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Expected ${flag} to be JSON, @file or -: ${error instanceof Error ? error.message : ''}`);
  }
}
