import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { checkFacts } from '../../advisor/check-facts.ts';
import type { Facts } from '../../advisor/facts.ts';
import { parseSla } from '../../advisor/sla.ts';
import { CommandError, exitCodes, UsageError } from '../exit-codes.ts';

/** Facts as flags give them; commander writes them in camel case. */
export interface FactFlags {
  readonly sla?: string;
  readonly partition?: string;
  readonly semantics?: string;
  readonly irreversible?: string;
  readonly valueAtRisk?: string;
  readonly conflictRate?: string;
  readonly participantP99?: string;
  readonly quorumP99?: string;
  readonly fsyncP99?: string;
  readonly steps?: string;
}

const texts = ['sla', 'partition', 'semantics', 'irreversible', 'valueAtRisk'] as const;
const latencies = ['participantP99', 'quorumP99', 'fsyncP99'] as const;
const numbers = ['conflictRate', 'steps'] as const;

function fromFlags(flags: FactFlags): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const name of [...texts, ...latencies]) if (flags[name] !== undefined) facts[name] = flags[name];
  for (const name of numbers) if (flags[name] !== undefined) facts[name] = Number(flags[name]);
  return facts;
}

// JSON is YAML too, so that one reader takes both.
async function fromFile(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CommandError(`cannot read ${path}: ${(error as Error).message}`, exitCodes.notFound, { cause: error });
  }
  try {
    const facts: unknown = parse(text);
    if (typeof facts === 'object' && facts !== null && !Array.isArray(facts)) return facts as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UsageError(`${path} is neither YAML nor JSON: ${error.message}`, { cause: error });
  }
  throw new UsageError(`Expected ${path} to hold facts, such as "sla: p99<80ms"`);
}

/**
 * The facts of a file, YAML or JSON, with those of flags put over them.
 *
 * @throws {UsageError} naming what is wrong with them.
 */
export async function readFacts(path: string | undefined, flags: FactFlags): Promise<Facts> {
  const given = { ...(path === undefined ? {} : await fromFile(path)), ...fromFlags(flags) };
  try {
    const facts = checkFacts(given);
    parseSla(facts.sla);
    return facts;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(path === undefined ? error.message : `${path}: ${error.message}`, { cause: error });
  }
}
