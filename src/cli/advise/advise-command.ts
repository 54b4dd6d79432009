import { Command } from 'commander';
import { adviseChecked } from '../../advisor/advise.ts';
import { systemFetch } from '../../ports/http.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { paintFor } from '../paint.ts';
import { adviceText } from './advice-text.ts';
import { type Measurement, measureMachine } from './measure-machine.ts';
import { type FactFlags, readFacts } from './read-facts.ts';

interface AdviseFlags extends FactFlags {
  readonly measure?: boolean;
  readonly folder: string;
  readonly participant: readonly string[];
  readonly peer: readonly string[];
  readonly samples: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new UsageError(`Expected a URL of http or https, got ${JSON.stringify(url)}`);
}

async function measure(flags: AdviseFlags, signal: AbortSignal): Promise<Measurement | undefined> {
  const { participant, peer, samples: text, folder } = flags;
  if (flags.measure !== true) {
    if (participant.length + peer.length > 0)
      throw new UsageError('Expected --measure beside --participant and --peer');
    return undefined;
  }
  const samples = /^\d+$/.test(text) ? Number(text) : 0;
  if (samples < 1 || samples > 100_000)
    throw new UsageError(`Expected --samples to be an integer from 1 to 100000, got ${JSON.stringify(text)}`);
  return measureMachine({
    folder,
    participants: participant.map(checkUrl),
    peers: peer.map(checkUrl),
    samples,
    clock: systemClock,
    fetch: systemFetch,
    signal,
  });
}

/** `makegood advise`: how to run a piece of business, from what is known of it. */
export function adviseCommand(signal: AbortSignal, finish: (exitCode: number) => void): Command {
  return new Command('advise')
    .description('Advise how to run a piece of business: the mode, the way to it, and what it costs.')
    .argument('[file]', 'facts as YAML or JSON; flags are put over them')
    .option('--sla <text>', 'what is promised, such as "p99<80ms" or "max <= 2s over 5m"')
    .option('--partition <kind>', 'cp, ap or cp-ap-fallback')
    .option('--semantics <kind>', 'idempotent, causal or total-order')
    .option('--irreversible <kind>', 'none, behind-pivot or without-pivot')
    .option('--value-at-risk <kind>', 'low or high')
    .option('--conflict-rate <share>', 'share of decisions that meet another, 0 to 1')
    .option('--participant-p99 <latency>', 'of one call of a participant')
    .option('--quorum-p99 <latency>', 'of one write that a quorum acknowledges')
    .option('--fsync-p99 <latency>', 'of one durable write of the log')
    .option('--steps <count>', 'steps that follow each other')
    .option('--measure', 'measure the log on this disk, and the way to the URLs, first')
    .option('--folder <path>', 'where the log will be', '.')
    .option('--participant <url>', 'a participant to measure; may be repeated', collect, [])
    .option('--peer <url>', 'another node of the quorum to measure; may be repeated', collect, [])
    .option('--samples <count>', 'how often each is measured', '300')
    .option('--explain', 'say why, with sources, and how to set the parts up')
    .option('--json', 'print one JSON document')
    .action(async (file: string | undefined, flags: AdviseFlags) => {
      const given = await readFacts(file, flags);
      const measurement = await measure(flags, signal);
      const facts = { ...given, ...measurement?.facts };
      const advice = adviseChecked(facts);
      const text =
        flags.json === true
          ? `${JSON.stringify({ given: facts, measurement, ...advice }, null, 2)}\n`
          : adviceText(facts, advice, {
              paint: paintFor(process.stdout),
              explain: flags.explain === true,
              measurement,
            });
      process.stdout.write(text);
      finish(advice.possible && advice.budget.fits ? exitCodes.ok : exitCodes.failed);
    });
}
