import { Command } from 'commander';
import type { MakegoodClient } from '../../client/makegood-client.ts';
import type { DecisionRequest } from '../../wire/requests.ts';
import { paintFor } from '../paint.ts';
import { readDuration } from '../serve/serve-flags.ts';
import { visibleJson } from '../visible.ts';
import { asking, type ClientFlags, clientOf, print, printAs, readJsonFlag, withClientFlags } from './client-flags.ts';
import { attentionText, sagaText } from './saga-text.ts';

interface Surroundings {
  readonly signal: AbortSignal;
}

interface StopFlags extends ClientFlags {
  readonly reason?: string;
}

function stopCommand(verb: 'cancel' | 'terminate', description: string, { signal }: Surroundings): Command {
  const command = new Command(verb)
    .description(description)
    .argument('<id>')
    .option('--reason <words>', 'kept in its history');
  return withClientFlags(command).action(async (id: string, flags: StopFlags) => {
    const client = clientOf(flags);
    const options = { signal, ...(flags.reason === undefined ? {} : { reason: flags.reason }) };
    const saga = await asking(async () => {
      await client[verb](id, options);
      return await client.get(id, { signal });
    });
    await printAs(flags, saga, () => sagaText(saga, paintFor(process.stdout)));
  });
}

interface RestartFlags extends ClientFlags {
  readonly input?: string;
  readonly sagaVersion?: string;
  readonly deadline?: string;
}

function restartCommand({ signal }: Surroundings): Command {
  const command = new Command('restart')
    .description('Run a saga that has ended anew, as a saga of its own: id@2. Prints its id.')
    .argument('<id>')
    .option('--input <json>', 'JSON, @file or - (default: the input of the run before)')
    .option('--saga-version <version>', 'of the definition (default: the one it was started with)')
    .option('--deadline <duration>', 'how long it may go forward (default: as long as the run before)');
  return withClientFlags(command).action(async (id: string, flags: RestartFlags) => {
    const deadline = readDuration('--deadline', flags.deadline);
    const different = {
      ...(flags.input === undefined ? {} : { input: readJsonFlag('--input', flags.input) }),
      ...(flags.sagaVersion === undefined ? {} : { version: flags.sagaVersion }),
      ...(deadline === undefined ? {} : { deadline }),
    };
    const { saga } = await asking(() => clientOf(flags).restart(id, { ...different, signal }));
    await printAs(flags, saga, () => `${saga.id}\n`);
  });
}

function renewCommand({ signal }: Surroundings): Command {
  const command = new Command('renew')
    .description('Let a saga go forward until so long from now. Only ever extends its deadline.')
    .argument('<id>')
    .argument('<duration>', 'such as 10m');
  return withClientFlags(command).action(async (id: string, text: string, flags: ClientFlags) => {
    const deadline = readDuration('duration', text) ?? 0;
    const saga = await asking(() => clientOf(flags).renew(id, deadline, { signal }));
    await printAs(flags, saga, () => sagaText(saga, paintFor(process.stdout)));
  });
}

function signalCommand({ signal }: Surroundings): Command {
  const command = new Command('signal')
    .description('Send a signal to a saga that waits for it, or will.')
    .argument('<id>')
    .argument('<name>')
    .argument('[payload]', 'JSON, @file or - (default: null)');
  return withClientFlags(command).action(
    async (id: string, name: string, payload: string | undefined, flags: ClientFlags) => {
      const value = payload === undefined ? null : readJsonFlag('payload', payload);
      await asking(() => clientOf(flags).signal(id, name, value, { signal }));
    },
  );
}

interface DecisionFlags extends ClientFlags {
  readonly note?: string;
  readonly args?: string;
  readonly output?: string;
}

type Verb = 'retry' | 'retry-with' | 'resolve' | 'skip' | 'forward';

const verbs: Readonly<
  Record<Verb, { readonly says: string; readonly as: keyof Omit<MakegoodClient['attention'], 'list'> }>
> = {
  retry: { says: 'Try again with a new budget of attempts.', as: 'retry' },
  'retry-with': { says: 'Try again, with --args as the input.', as: 'retryWith' },
  resolve: { says: 'It was done by hand. Without a step: close a terminated saga.', as: 'resolve' },
  skip: { says: 'Leave the effect as it is, while the saga is undone.', as: 'skip' },
  forward: { says: 'Go on without the step.', as: 'forward' },
};

function decisionOf({ note, args, output }: DecisionFlags): DecisionRequest {
  return {
    ...(note === undefined ? {} : { note }),
    ...(args === undefined ? {} : { args: readJsonFlag('--args', args) }),
    ...(output === undefined ? {} : { output: readJsonFlag('--output', output) }),
  };
}

function decisionCommand(verb: Verb, { signal }: Surroundings): Command {
  const { says, as } = verbs[verb];
  const forWhole = verb === 'retry' || verb === 'resolve';
  const command = new Command(verb)
    .description(says)
    .argument('<id>')
    .argument(forWhole ? '[step]' : '<step>')
    .option('--note <words>', 'why, and where the evidence is; kept in the history');
  if (verb === 'retry-with') command.requiredOption('--args <json>', 'the input from here on: JSON, @file or -');
  if (verb === 'resolve' || verb === 'forward')
    command.option('--output <json>', 'what the step counts as having answered');
  return withClientFlags(command).action(async (id: string, step: string | undefined, flags: DecisionFlags) => {
    const decision = { ...decisionOf(flags), signal };
    const saga = await asking(() => clientOf(flags).attention[as](id, step ?? null, decision));
    await printAs(flags, saga, () => sagaText(saga, paintFor(process.stdout)));
  });
}

function deleteCommand({ signal }: Surroundings): Command {
  const command = new Command('delete')
    .description('Take a saga that has ended out of sight. Its id stays taken.')
    .argument('<id>');
  return withClientFlags(command).action((id: string, flags: ClientFlags) =>
    asking(() => clientOf(flags).delete(id, { signal })),
  );
}

/** The commands that change something about a saga. */
export function decisionCommands(surroundings: Surroundings): readonly Command[] {
  return [
    stopCommand('cancel', 'Turn a saga round: what it did is undone.', surroundings),
    stopCommand('terminate', 'Stop a saga where it stands. Nothing is undone.', surroundings),
    restartCommand(surroundings),
    renewCommand(surroundings),
    signalCommand(surroundings),
    deleteCommand(surroundings),
    ...(Object.keys(verbs) as Verb[]).map((verb) => decisionCommand(verb, surroundings)),
  ];
}

/** The command `makegood attention`: what waits for a person. */
export function attentionCommand(signal: AbortSignal): Command {
  const command = new Command('attention').description('List what waits for a person, the longest wait first.');
  return withClientFlags(command, 'json and jsonl').action(async (flags: ClientFlags) => {
    const items = await asking(() => clientOf(flags).attention.list({ signal }));
    if (flags.jsonl === true) return print(items.map((item) => `${visibleJson(JSON.stringify(item))}\n`).join(''));
    await printAs(flags, items, () => attentionText(items, paintFor(process.stdout)));
  });
}
