import type { ChronicleEntry } from './chronicle.ts';

const actors = ['machine', 'coordinator', 'journal', 'network', 'participant'] as const;

/** What the text of a Mermaid message must not hold. */
function plain(text: string): string {
  return text.replaceAll(/[;#\n]/g, ' ').slice(0, 100);
}

/** A chronicle as a Mermaid sequence diagram, which many viewers draw and everybody can read. Times are seconds. */
export function sequenceDiagram(entries: readonly ChronicleEntry[]): string {
  const lines = entries.map(({ at, from, to, what }) => `  ${from}->>${to}: ${(at / 1000).toFixed(3)} ${plain(what)}`);
  return ['sequenceDiagram', ...actors.map((actor) => `  participant ${actor}`), ...lines].join('\n');
}
