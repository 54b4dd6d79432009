/** The picture of a storm: requests a second that reach the server, one line a system. Text in, SVG text out. */
import { binMs, type StormTrace } from './simulate.ts';

export interface ChartLine {
  readonly title: string;
  /** Requests that reached the server, by bin. */
  readonly attempts: readonly number[];
}

const [width, height] = [860, 380];
const frame = { left: 60, top: 34, right: 840, bottom: 300 };
// Told apart by the colour-blind too (Okabe and Ito, "Color Universal Design", 2008).
const colours = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const binsPerSecond = 1000 / binMs;

export function stormChart(plan: StormTrace['plan'], lines: readonly ChartLine[]): string {
  const rates = lines.map(({ attempts }) => perSecond(attempts));
  const most = Math.ceil(Math.max(plan.offered, ...rates.flat()) / plan.offered) * plan.offered;
  const x = (second: number): number => frame.left + (second / plan.seconds) * (frame.right - frame.left);
  const y = (rate: number): number => frame.bottom - (rate / most) * (frame.bottom - frame.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>Requests a second that reach the server, before, in and after a brown-out</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    box(x(plan.fromSecond), x(plan.toSecond)),
    text(
      x((plan.fromSecond + plan.toSecond) / 2),
      frame.top - 10,
      'middle',
      `brown-out: ${plan.brownOutShare * 100} % of capacity`,
    ),
    ...ticks(0, most, plan.offered).map((rate) => gridLine(y(rate), rate)),
    ...ticks(0, plan.seconds, 10).map((second) => text(x(second), frame.bottom + 18, 'middle', `${second} s`)),
    dashed(y(plan.capacity), `capacity`),
    ...rates.map((rate, index) => polyline(rate, x, y, colours[index % colours.length] ?? '#000000')),
    ...lines.map(({ title }, index) => legend(index, title)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function perSecond(bins: readonly number[]): number[] {
  const seconds = Math.floor(bins.length / binsPerSecond);
  return Array.from({ length: seconds }, (_, second) =>
    bins.slice(second * binsPerSecond, (second + 1) * binsPerSecond).reduce((total, value) => total + value, 0),
  );
}

function ticks(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function polyline(
  rates: readonly number[],
  x: (second: number) => number,
  y: (rate: number) => number,
  colour: string,
): string {
  const points = rates.map((rate, second) => `${round(x(second + 0.5))},${round(y(rate))}`).join(' ');
  return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points}"/>`;
}

function box(left: number, right: number): string {
  return `<rect x="${round(left)}" y="${frame.top}" width="${round(right - left)}" height="${frame.bottom - frame.top}" fill="#eeeeee"/>`;
}

function gridLine(y: number, rate: number): string {
  const line = `<line x1="${frame.left}" x2="${frame.right}" y1="${round(y)}" y2="${round(y)}" stroke="#cccccc"/>`;
  return `${line}${text(frame.left - 8, y + 4, 'end', rate.toLocaleString('en'))}`;
}

function dashed(y: number, label: string): string {
  const line = `<line x1="${frame.left}" x2="${frame.right}" y1="${round(y)}" y2="${round(y)}" stroke="#444444" stroke-dasharray="6 4"/>`;
  return `${line}${text(frame.right - 4, y - 6, 'end', label)}`;
}

function legend(index: number, title: string): string {
  const [left, top] = [frame.left + (index % 2) * 400, frame.bottom + 42 + Math.floor(index / 2) * 18];
  const mark = `<rect x="${left}" y="${top - 9}" width="18" height="4" fill="${colours[index % colours.length]}"/>`;
  return `${mark}${text(left + 26, top - 2, 'start', title)}`;
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#222222">${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
