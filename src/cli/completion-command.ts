import { Argument, Command } from 'commander';
import { print } from './saga/client-flags.ts';

interface Node {
  /** The words that lead here: `''`, `saga`, `saga start`. */
  readonly path: string;
  readonly words: readonly string[];
}

/** Every place of the command line, with what may stand there. */
function nodesOf(command: Command, path: readonly string[] = []): readonly Node[] {
  const commands = command.commands.map((own) => own.name());
  const options = command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
  const words = [...commands, ...options, '--help'];
  return [{ path: path.join(' '), words }, ...command.commands.flatMap((own) => nodesOf(own, [...path, own.name()]))];
}

const scripts: Readonly<Record<'bash' | 'zsh' | 'fish', (nodes: readonly Node[]) => string>> = {
  bash: (nodes) => `_makegood() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${nodes.map(({ path, words }) => `      "${path}") COMPREPLY=($(compgen -W "${words.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;`).join('\n')}
    esac
    case "$path" in *" "*) path="\${path% *}" ;; "") return ;; *) path="" ;; esac
  done
}
complete -o default -F _makegood makegood
`,
  zsh: (nodes) => `#compdef makegood
autoload -U +X bashcompinit && bashcompinit
${scripts.bash(nodes)}`,
  fish: (nodes) =>
    nodes
      .map(({ path, words }) => {
        const seen =
          path === ''
            ? '__fish_use_subcommand'
            : path
                .split(' ')
                .map((word) => `__fish_seen_subcommand_from ${word}`)
                .join('; and ');
        return `complete -c makegood -n '${seen}' -a '${words.join(' ')}'\n`;
      })
      .join(''),
};

/**
 * The command `makegood completion bash | zsh | fish`: a script for the shell, made of the commands there are.
 *
 * @param program the whole command line.
 */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('Print a completion script: source <(makegood completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: keyof typeof scripts) => print(scripts[shell](nodesOf(program))));
}
