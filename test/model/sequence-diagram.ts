import type { Move } from './explore.ts';

const columnWidth = 20;

/** Writes a text over a line, from a place on. */
function over(line: string, at: number, text: string): string {
  return line.padEnd(at).slice(0, at) + text + line.slice(at + text.length);
}

/**
 * A trace as a sequence diagram in text: a column for each actor, an arrow for each message that arrives, words for what
 * an actor does by itself, and brackets for what goes wrong.
 */
export function sequenceDiagram(actors: readonly string[], trace: readonly Move<unknown>[]): string {
  const centreOf = (actor: string): number => actors.indexOf(actor) * columnWidth + 1;
  const lifelines = actors.reduce((line, actor) => over(line, centreOf(actor), '│'), '');
  const lines = trace.map(({ from, to, text }) => {
    if (from === to) return over(lifelines, centreOf(from) + 2, text);
    const left = Math.min(centreOf(from), centreOf(to)) + 1;
    const length = Math.abs(centreOf(from) - centreOf(to)) - 1;
    const shaft = ` ${text} `.padStart(Math.ceil((length - 1 + text.length + 2) / 2), '─').padEnd(length - 1, '─');
    return over(
      lifelines,
      left,
      from === actors[Math.min(actors.indexOf(from), actors.indexOf(to))] ? `${shaft}▶` : `◀${shaft}`,
    );
  });
  const heads = actors.reduce((line, actor) => over(line, centreOf(actor) - 1, actor), '');
  return [heads, ...lines].map((line) => line.trimEnd()).join('\n');
}
