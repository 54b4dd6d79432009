import type { Instrument, MeasureAttributes } from '../telemetry/instruments.ts';
import { labelName, prometheusName } from './prometheus-name.ts';

/** One time series: a number, or a histogram's buckets. */
interface Series {
  /** `name="value",…`, escaped. */
  readonly labels: string;
  value: number;
  readonly counts: Float64Array | undefined;
  count: number;
}

/** All series of one metric, and how they are written. */
export class MetricFamily {
  private readonly name: string;
  private readonly instrument: Instrument;
  private readonly buckets: readonly number[];
  private readonly series = new Map<string, Series>();

  constructor(name: string, instrument: Instrument) {
    this.name = prometheusName(name, instrument);
    this.instrument = instrument;
    this.buckets = instrument.buckets ?? [];
  }

  record(value: number, attributes: MeasureAttributes): void {
    const series = this.seriesOf(attributes);
    series.value += value;
    if (series.counts === undefined) return;
    series.count += 1;
    const bucket = this.buckets.findIndex((bound) => value <= bound);
    if (bucket !== -1) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
  }

  /** The family in the text format, or nothing when it has no series. */
  write(): string {
    if (this.series.size === 0) return '';
    const type = this.instrument.kind === 'level' ? 'gauge' : this.instrument.kind;
    const head = `# HELP ${this.name} ${escapeHelp(this.instrument.description)}\n# TYPE ${this.name} ${type}\n`;
    return head + [...this.series.values()].map((series) => this.writeSeries(series)).join('');
  }

  private writeSeries({ labels, value, counts, count }: Series): string {
    if (counts === undefined) return line(this.name, labels, value);
    const comma = labels === '' ? '' : ',';
    let below = 0;
    let text = '';
    for (const [place, bound] of this.buckets.entries()) {
      below += counts[place] ?? 0;
      text += line(`${this.name}_bucket`, `${labels}${comma}le="${bound}"`, below);
    }
    text += line(`${this.name}_bucket`, `${labels}${comma}le="+Inf"`, count);
    return text + line(`${this.name}_sum`, labels, value) + line(`${this.name}_count`, labels, count);
  }

  private seriesOf(attributes: MeasureAttributes): Series {
    // In the instrument's order, so that the same attributes are the same series however they were put together.
    let key = '';
    for (const name of this.instrument.attributes) key += `${attributes[name] ?? ''}\u0000`;
    let series = this.series.get(key);
    if (series === undefined) {
      const counts = this.instrument.kind === 'histogram' ? new Float64Array(this.buckets.length) : undefined;
      series = { labels: this.labelsOf(attributes), value: 0, counts, count: 0 };
      this.series.set(key, series);
    }
    return series;
  }

  private labelsOf(attributes: MeasureAttributes): string {
    const present = this.instrument.attributes.filter((name) => attributes[name] !== undefined);
    return present.map((name) => `${labelName(name)}="${escapeLabel(attributes[name] ?? '')}"`).join(',');
  }
}

function line(name: string, labels: string, value: number): string {
  return `${labels === '' ? name : `${name}{${labels}}`} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', String.raw`\"`);
}
