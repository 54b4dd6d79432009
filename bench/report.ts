/** How benches tell their figures: medians with their range, as a Markdown table and as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

export type Figures = Readonly<Record<string, string>>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

function show(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** `median [least–most]`, rounded. */
export function range(values: readonly number[]): string {
  return `${show(median(values))} [${show(Math.min(...values))}–${show(Math.max(...values))}]`;
}

export function machine(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${date}`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

export function table(rows: readonly Figures[]): string {
  const names = Object.keys(rows[0] ?? {});
  return [
    line(names),
    line(names.map(() => '---')),
    ...rows.map((row) => line(names.map((name) => row[name] ?? ''))),
  ].join('\n');
}

export function saveResults(name: string, results: object): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}
