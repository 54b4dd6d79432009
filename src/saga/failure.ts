/** Why a step or a saga failed, as plain data that is kept in the log. */
export interface Failure {
  /** Stable code: the business code of a `TerminalError`, the error's own `code`, or its class name. */
  readonly code: string;
  readonly message: string;
  /** The step that failed; absent when the failure belongs to the saga as a whole. */
  readonly step?: string;
}

// A message is for people and is kept for ever: what a participant sends back must not fill the log.
const longestMessage = 2000;

function textOf(value: unknown): string {
  try {
    return typeof value === 'string' ? value : String(value);
  } catch {
    return 'a value that cannot be shown';
  }
}

/**
 * Turns whatever was thrown into data for the log.
 *
 * @internal
 */
export function failureOf(error: unknown, step?: string): Failure {
  const { code, message } = describe(error);
  const short = message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
  return step === undefined ? { code, message: short } : { code, message: short, step };
}

function describe(error: unknown): { code: string; message: string } {
  if (typeof error !== 'object' || error === null) return { code: 'UNKNOWN', message: textOf(error) };
  const { businessCode, code, name, message } = error as Record<string, unknown>;
  const named = [businessCode, code, name].find((candidate) => typeof candidate === 'string' && candidate !== '');
  return { code: typeof named === 'string' ? named : 'UNKNOWN', message: textOf(message ?? error) };
}
