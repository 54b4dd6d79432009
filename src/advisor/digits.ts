/**
 * Exact numbers as texts of digits, at run time and in the type system: `1.1 · 1000` is not 1100 in floating point, and
 * the compiler has no numbers at all. A latency is a whole number of nanoseconds; what is finer is cut off.
 */
const limitPattern = /^(\d+)(?:\.(\d+))?(ms|s|m)$/;

/** A decimal number times `10 ** places`, cut to a whole number. */
export function scaled(text: string, places: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.slice(0, places).padEnd(places, '0'));
}

/**
 * A latency in nanoseconds.
 *
 * @throws {TypeError} when it is no number of `ms`, `s` or `m`.
 */
export function latencyNs(latency: string | number, name: string): bigint {
  const text = typeof latency === 'number' ? `${latency}ms` : latency;
  const match = typeof text === 'string' ? limitPattern.exec(text) : null;
  if (match === null)
    throw new TypeError(
      `Expected ${name} to be milliseconds or text such as "80ms", "1.5s" or "2m", got ${show(latency)}`,
    );
  const [, whole = '', fraction = '', unit] = match;
  const number = `${whole}.${fraction}`;
  return unit === 'ms' ? scaled(number, 6) : scaled(number, 9) * (unit === 'm' ? 60n : 1n);
}

/** A latency in milliseconds, for sums that need not be exact. */
export function latencyMs(latency: string | number, name: string): number {
  return Number(latencyNs(latency, name)) / 1e6;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Cuts the fraction to as many digits as `Places` has zeros, filling it up with them. */
type Fraction<Text extends string, Places extends string> = Places extends `0${infer Fewer}`
  ? Text extends `${infer Digit}${infer Rest}`
    ? `${Digit}${Fraction<Rest, Fewer>}`
    : Places
  : '';

/** `scaled` for the compiler: places are written as that many zeros. */
export type Scaled<Text extends string, Places extends string> = Text extends `${infer Whole}.${infer Rest}`
  ? `${Whole}${Fraction<Rest, Places>}`
  : `${Text}${Places}`;

type WithoutZeros<Text extends string> = Text extends `0${infer Rest}` ? WithoutZeros<Rest> : Text;

type IsLess<
  Left extends string,
  Right extends string,
> = '0123456789' extends `${string}${Left}${string}${Right}${string}` ? '<' : '>';

type CompareFrom<
  Left extends string,
  Right extends string,
  Found extends Comparison,
> = Left extends `${infer A}${infer LeftRest}`
  ? Right extends `${infer B}${infer RightRest}`
    ? CompareFrom<LeftRest, RightRest, Found extends '=' ? (A extends B ? '=' : IsLess<A, B>) : Found>
    : '>'
  : Right extends ''
    ? Found
    : '<';

/** How one number of digits stands to another. */
export type Comparison = '<' | '=' | '>';

/** Compares two whole numbers of digits: the longer is the greater, else the first digit that differs decides. */
export type CompareDigits<Left extends string, Right extends string> = CompareFrom<
  WithoutZeros<Left>,
  WithoutZeros<Right>,
  '='
>;

/** Six times a digit, and a carry of 0 to 5: the tens are carried on. */
interface SixTimes {
  readonly '0': ['00', '01', '02', '03', '04', '05'];
  readonly '1': ['06', '07', '08', '09', '10', '11'];
  readonly '2': ['12', '13', '14', '15', '16', '17'];
  readonly '3': ['18', '19', '20', '21', '22', '23'];
  readonly '4': ['24', '25', '26', '27', '28', '29'];
  readonly '5': ['30', '31', '32', '33', '34', '35'];
  readonly '6': ['36', '37', '38', '39', '40', '41'];
  readonly '7': ['42', '43', '44', '45', '46', '47'];
  readonly '8': ['48', '49', '50', '51', '52', '53'];
  readonly '9': ['54', '55', '56', '57', '58', '59'];
}

type Reversed<Text extends string, Done extends string = ''> = Text extends `${infer First}${infer Rest}`
  ? Reversed<Rest, `${First}${Done}`>
  : Done;

type SixFold<
  Backwards extends string,
  Carry extends string = '0',
  Done extends string = '',
> = Backwards extends `${infer Digit extends keyof SixTimes}${infer Rest}`
  ? SixTimes[Digit][Carry & keyof SixTimes[Digit]] extends `${infer Tens}${infer Ones}`
    ? SixFold<Rest, Tens, `${Ones}${Done}`>
    : never
  : `${Carry}${Done}`;

/** `latencyNs` for the compiler; `never` where the text is no latency. */
export type LatencyNs<Text extends string | number> = Text extends number
  ? LatencyNs<`${Text}ms`>
  : Text extends `${infer Number}ms`
    ? Scaled<Number, '000000'>
    : Text extends `${infer Number}s`
      ? Scaled<Number, '000000000'>
      : Text extends `${infer Number}m`
        ? `${SixFold<Reversed<Scaled<Number, '000000000'>>>}0`
        : never;
