import type { Clock } from '../ports/clock.ts';
import type { Fetch } from '../ports/http.ts';
import { withDeadline } from '../time/deadline.ts';
import { causeOf } from './answer.ts';
import { Mismatch } from './mismatch.ts';

/** How often the business of a step took effect, counted from the business's own tables. */
export interface Effects {
  readonly applied: number;
  readonly undone: number;
}

/**
 * Asks a participant what it did for a step: `GET <url>?saga=…&step=…` → `{ "applied": 1, "undone": 0 }`.
 *
 * @throws {Mismatch} when it does not answer so.
 */
export async function readEffects(
  effectsUrl: string,
  of: { readonly saga: string; readonly step: string },
  { fetch, clock, timeoutMs, signal: parent }: EffectReader,
): Promise<Effects> {
  const url = new URL(effectsUrl);
  url.searchParams.set('saga', of.saga);
  url.searchParams.set('step', of.step);
  using signal = withDeadline(parent, timeoutMs, { clock });
  let said: string;
  try {
    const response = await fetch(url.href, { redirect: 'manual', signal });
    said = `${response.status} ${await response.text()}`;
  } catch (error) {
    parent?.throwIfAborted();
    throw new Mismatch(`Expected ${url.href} to answer with the effects, got no answer: ${causeOf(error)}`, {
      cause: error,
    });
  }
  const effects = said.startsWith('200 ') ? effectsIn(said.slice(4)) : undefined;
  if (effects !== undefined) return effects;
  const wanted = 'Expected the effects to be 200 {"applied":<count>,"undone":<count>}';
  throw new Mismatch(`${wanted}, got ${said.slice(0, 200)}`);
}

interface EffectReader {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

function effectsIn(text: string): Effects | undefined {
  try {
    const { applied, undone } = JSON.parse(text) as Partial<Record<keyof Effects, unknown>>;
    return isCount(applied) && isCount(undone) ? { applied, undone } : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
