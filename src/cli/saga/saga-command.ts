import { Command } from 'commander';
import type { StartRequest } from '../../wire/requests.ts';
import type { WireSagaLine, WireStatus } from '../../wire/saga.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { paintFor } from '../paint.ts';
import { visibleJson } from '../visible.ts';
import { readDuration } from '../serve/serve-flags.ts';
import { asking, type ClientFlags, clientOf, print, printAs, readJsonFlag, withClientFlags } from './client-flags.ts';
import { decisionCommands } from './decision-commands.ts';
import { isEnd, listText, recordText, sagaText } from './saga-text.ts';
import { watchSaga } from './watch-saga.ts';

/** What every command of the group is given. */
export interface Surroundings {
  readonly signal: AbortSignal;
  readonly finish: (exitCode: number) => void;
}

interface StartFlags extends ClientFlags {
  readonly file?: string;
  readonly id?: string;
  readonly sagaVersion?: string;
  readonly input?: string;
  readonly deadline?: string;
  readonly header?: readonly string[];
  readonly wait?: boolean;
}

function headersOf(given: readonly string[] | undefined): StartRequest['headers'] {
  return given === undefined
    ? undefined
    : Object.fromEntries(
        given.map((text) => {
          const at = text.indexOf('=');
          if (at < 1) throw new UsageError(`Expected --header to be NAME=VALUE, got ${JSON.stringify(text)}`);
          return [text.slice(0, at), text.slice(at + 1)];
        }),
      );
}

function requestOf(name: string | undefined, flags: StartFlags): StartRequest {
  const { file, id, sagaVersion: version, input, deadline, header } = flags;
  if ((name === undefined) === (file === undefined))
    throw new UsageError('Expected the name of a saga, or --file with a request');
  const given =
    file === undefined
      ? { name: name as string }
      : (readJsonFlag('--file', file === '-' ? '-' : `@${file}`) as unknown as StartRequest);
  const headers = headersOf(header);
  const deadlineMs = readDuration('--deadline', deadline);
  return {
    ...given,
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
    ...(input === undefined ? {} : { input: readJsonFlag('--input', input) }),
    ...(headers === undefined ? {} : { headers }),
    ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }),
  };
}

/** The exit status of an end: only a saga that completed is a success. */
function statusOf(status: WireStatus): number {
  return status === 'completed' || !(isEnd(status) || status === 'needs-human') ? exitCodes.ok : exitCodes.failed;
}

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function startCommand({ signal, finish }: Surroundings): Command {
  const command = new Command('start')
    .description('Start a registered saga by its name, or one whose steps are in a file. Prints its id.')
    .argument('[name]', 'of a registered saga')
    .option('--file <file>', 'a request as JSON, with steps; - for stdin')
    .option('--id <id>', 'its id and idempotency key (default: a new one)')
    .option('--saga-version <version>', 'of the definition')
    .option('--input <json>', 'JSON, @file or -')
    .option('--deadline <duration>', 'how long it may go forward')
    .option('--header <name=value>', 'sent with every call; again for more', several)
    .option('--wait', 'until it ends; exit 1 unless it completes');
  return withClientFlags(command).action(async (name: string | undefined, flags: StartFlags) => {
    const client = clientOf(flags);
    const { saga } = await asking(() => client.start(requestOf(name, flags), { signal }));
    if (flags.wait !== true) return printAs(flags, saga, () => `${saga.id}\n`);
    await asking(() => client.outcome(saga.id, { wait: Infinity, signal }));
    const ended = await asking(() => client.get(saga.id, { signal }));
    await printAs(flags, ended, () => sagaText(ended, paintFor(process.stdout)));
    finish(statusOf(ended.status));
  });
}

interface ListFlags extends ClientFlags {
  readonly status?: WireStatus;
  readonly name?: string;
  readonly step?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly all?: boolean;
}

function listCommand({ signal }: Surroundings): Command {
  const command = new Command('list')
    .description('List sagas, newest first.')
    .option(
      '--status <status>',
      'running, waiting, compensating, completed, compensated, needs-human, blocked, terminated',
    )
    .option('--name <name>', 'of the saga')
    .option('--step <step>', 'only unfinished sagas that are at this step')
    .option('--from <time>', 'created then or later')
    .option('--to <time>', 'created then or earlier')
    .option('--limit <count>', 'how many', '50')
    .option('--all', 'all of them, page by page');
  return withClientFlags(command, 'json and jsonl').action(async (flags: ListFlags) => {
    const { status, name, step, from, to } = flags;
    const client = clientOf(flags);
    const items: WireSagaLine[] = [];
    let cursor: string | undefined;
    do {
      const query = { status, name, step, from, to, limit: Number(flags.limit), cursor, signal };
      const page = await asking(() => client.list(query));
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (flags.all === true && cursor !== undefined);
    if (flags.jsonl === true) return print(items.map((item) => `${visibleJson(JSON.stringify(item))}\n`).join(''));
    await printAs(flags, items, () => listText(items, paintFor(process.stdout)));
  });
}

function showCommand({ signal, finish }: Surroundings): Command {
  const command = new Command('show').description('Show a saga and its steps.').argument('<id>');
  return withClientFlags(command).action(async (id: string, flags: ClientFlags) => {
    const saga = await asking(() => clientOf(flags).get(id, { signal }));
    await printAs(flags, saga, () => sagaText(saga, paintFor(process.stdout)));
    finish(statusOf(saga.status));
  });
}

function historyCommand({ signal }: Surroundings): Command {
  const command = new Command('history').description("Print every record of a saga's history.").argument('<id>');
  return withClientFlags(command, 'json and jsonl').action(async (id: string, flags: ClientFlags) => {
    const records = await asking(() => clientOf(flags).history(id, { signal }));
    if (flags.jsonl === true)
      return print(records.map((record) => `${visibleJson(JSON.stringify(record))}\n`).join(''));
    await printAs(flags, records, () => records.map((record) => recordText(record, paintFor(process.stdout))).join(''));
  });
}

function watchCommand({ signal, finish }: Surroundings): Command {
  const command = new Command('watch')
    .description(
      'Watch a saga until it ends or waits for a person: a live timeline, or lines where there is no terminal.',
    )
    .argument('<id>');
  return withClientFlags(command, 'json and jsonl').action(async (id: string, flags: ClientFlags) => {
    const form = { jsonl: flags.jsonl === true || flags.json === true, paint: paintFor(process.stdout) };
    const saga = await asking(() => watchSaga(clientOf(flags), id, process.stdout, form, signal));
    finish(statusOf(saga.status));
  });
}

/**
 * The commands `makegood saga …`: what can be asked of a server about its sagas.
 *
 * @param signal ends what runs.
 * @param finish is called with the exit status.
 */
export function sagaCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  const surroundings = { signal, finish };
  const group = new Command('saga').description('Start, look at and decide about sagas of a server.');
  const own = [startCommand, listCommand, showCommand, historyCommand, watchCommand].map((make) => make(surroundings));
  for (const command of [...own, ...decisionCommands(surroundings)]) group.addCommand(command);
  return group.addHelpText(
    'after',
    '\nExit status: 0 ok, 1 the saga did not complete, 2 wrong usage, 3 not found, 4 conflict, 5 unreachable, 130 interrupted.',
  );
}
