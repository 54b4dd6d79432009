/**
 * Reads an SLA in the type system, word by word as `sla.ts` does, and finds the same fault at the same position. A text
 * that the compiler does not know, `string`, is left to run time.
 */
import type { Quantile, slaWords } from './sla.ts';

type Words = typeof slaWords;

/** The message of a text that is no SLA; the same that `parseSla` throws. */
export interface SlaFault<Message extends string> {
  readonly fault: Message;
}

type SkipSpaces<Text extends string> = Text extends ` ${infer Rest}` ? SkipSpaces<Rest> : Text;

type Count<Text extends string, Counted extends readonly unknown[] = []> = Text extends `${string}${infer Rest}`
  ? Count<Rest, [...Counted, unknown]>
  : Counted['length'];

/** Where what is left of a text begins in it, from 1. */
type Position<Text extends string, Rest extends string> = Text extends `${infer Before}${Rest}`
  ? Count<`${Before}.`> & number
  : never;

type Fault<
  Text extends string,
  Rest extends string,
  Expected extends string,
> = SlaFault<`Expected sla to have ${Expected} at position ${Position<Text, Rest>}, got ${Rest extends '' ? 'its end' : `"${Rest}"`}`>;

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

/** The digits a text begins with, and the rest. */
type Digits<Text extends string, Taken extends string = ''> = Text extends `${infer First extends Digit}${infer Rest}`
  ? Digits<Rest, `${Taken}${First}`>
  : [Taken, Text];

type TakeQuantile<Text extends string> = Text extends `p99.9${infer Rest}`
  ? ['p99.9', Rest]
  : Text extends `p50${infer Rest}`
    ? ['p50', Rest]
    : Text extends `p90${infer Rest}`
      ? ['p90', Rest]
      : Text extends `p95${infer Rest}`
        ? ['p95', Rest]
        : Text extends `p99${infer Rest}`
          ? ['p99', Rest]
          : Text extends `max${infer Rest}`
            ? ['max', Rest]
            : [];

type TakeOperator<Text extends string> = Text extends `<=${infer Rest}`
  ? ['<=', Rest]
  : Text extends `<${infer Rest}`
    ? ['<', Rest]
    : [];

type TakeUnit<Text extends string, More extends string> = Text extends `ms${infer Rest}`
  ? ['ms', Rest]
  : Text extends `${infer Unit extends 's' | 'm' | More}${infer Rest}`
    ? [Unit, Rest]
    : [];

/** A number, the rest, or the fault where it lacks digits. */
type TakeNumber<Text extends string, At extends string> =
  Digits<At> extends [infer Whole extends string, infer Rest extends string]
    ? Whole extends ''
      ? Fault<Text, At, Words['number']>
      : Rest extends `.${infer Behind}`
        ? Digits<Behind> extends [infer Part extends string, infer Last extends string]
          ? Part extends ''
            ? Fault<Text, Behind, Words['decimals']>
            : [`${Whole}.${Part}`, Last]
          : never
        : [Whole, Rest]
    : never;

type IsZero<Text extends string> = Text extends `${'0' | '.'}${infer Rest}`
  ? IsZero<Rest>
  : Text extends ''
    ? true
    : false;

type ReadWindow<Text extends string, At extends string, Read extends readonly [string, string, string]> = At extends ''
  ? ReadSla<Read[0], Read[1], Read[2], undefined>
  : At extends `over${infer Rest}`
    ? TakeNumber<Text, SkipSpaces<Rest>> extends infer Number
      ? Number extends readonly [infer Length extends string, infer Behind extends string]
        ? TakeUnit<Behind, 'h' | 'd'> extends [infer Unit extends string, infer End extends string]
          ? SkipSpaces<End> extends ''
            ? ReadSla<Read[0], Read[1], Read[2], `${Length}${Unit}`>
            : Fault<Text, SkipSpaces<End>, 'its end'>
          : Fault<Text, Behind, Words['windowUnit']>
        : Number
      : never
    : Fault<Text, At, Words['end']>;

type ReadLimit<Text extends string, At extends string, Q extends string, Operator extends string> =
  TakeNumber<Text, At> extends infer Number
    ? Number extends readonly [infer Limit extends string, infer Behind extends string]
      ? IsZero<Limit> extends true
        ? Fault<Text, At, Words['positive']>
        : TakeUnit<Behind, never> extends [infer Unit extends string, infer Rest extends string]
          ? ReadWindow<Text, SkipSpaces<Rest>, [Q, Operator, `${Limit}${Unit}`]>
          : Fault<Text, Behind, Words['limitUnit']>
      : Number
    : never;

type ReadOperator<Text extends string, At extends string, Q extends string> =
  TakeOperator<At> extends [infer Operator extends string, infer Rest extends string]
    ? ReadLimit<Text, SkipSpaces<Rest>, Q, Operator>
    : Fault<Text, At, Words['operator']>;

/** An SLA as the compiler has read it. */
export interface ReadSla<Q extends string, Operator extends string, Limit extends string, Window> {
  readonly quantile: Q & Quantile;
  readonly operator: Operator & ('<' | '<=');
  readonly limit: Limit;
  readonly window: Window;
}

/**
 * What the compiler reads in the text of an SLA: a {@link ReadSla}, or a {@link SlaFault} with the message that
 * `parseSla` would throw.
 */
export type ParseSla<Text extends string> =
  TakeQuantile<SkipSpaces<Text>> extends [infer Q extends string, infer Rest extends string]
    ? ReadOperator<Text, SkipSpaces<Rest>, Q>
    : Fault<Text, SkipSpaces<Text>, Words['quantile']>;
