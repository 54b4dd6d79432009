/**
 * What facts ask of a saga that must keep them, for the compiler and at run time: rules for its steps, and the messages
 * that both show.
 */
import { adviseChecked } from './advise.ts';
import type { Advise } from './advise-type.ts';
import { checkFacts } from './check-facts.ts';
import { latencyNs } from './digits.ts';
import type { Facts } from './facts.ts';
import type { Refusal } from './refusal.ts';
import type { rules } from './rules.ts';
import { parseSla } from './sla.ts';
import type { ParseSla, SlaFault } from './sla-type.ts';

/** Why a saga does not keep its requirement. */
export const requirementFaults = {
  sagaFirst:
    'Expected mode: "saga-first": with consistency "ap-compensated" a compensation is durable before its action, for whoever made it may be cut off afterwards',
  durable:
    'Expected mode: "durable": consistency "cp-cached" agrees before it answers, and "saga-first" tries again after 1, 2 and 4 s',
  parallel: 'Expected no parallel steps: semantics "total-order" has one order that all agree on',
  concurrency: 'Expected concurrency: 1: semantics "total-order" has one order that all agree on',
  pivot: 'Expected a pivot: irreversible "behind-pivot" says that a step cannot be undone',
  wait: 'Expected no wait for a signal: nobody knows whether it comes within the SLA',
  sleep: 'Expected a shorter sleep: this one alone breaks the SLA',
  coordinator:
    'Expected no coordinator: partition "ap" with semantics "causal" is kept by services that react to events, since a coordinator may be cut off from them',
} as const;

/** What the steps of a saga may be and do. */
export interface StepRules {
  readonly stepMode: 'any' | 'durable' | 'saga-first';
  readonly order: 'any' | 'total';
  readonly pivot: 'free' | 'needed';
  /** Of the SLA, as it was written; `undefined` where there is none. */
  readonly limit: string | undefined;
}

/** The rules of a saga that requires nothing. */
export interface FreeRules extends StepRules {
  readonly stepMode: 'any';
  readonly order: 'any';
  readonly pivot: 'free';
  readonly limit: undefined;
}

/** @internal */
export const freeRules: FreeRules = Object.freeze({ stepMode: 'any', order: 'any', pivot: 'free', limit: undefined });

/** The rules that facts make, for the compiler; {@link FreeRules} where it does not know the facts exactly. */
export type RulesOf<Given> = Given extends Facts
  ? Advise<Given> extends { readonly possible: true; readonly consistency: infer Leaf }
    ? {
        readonly stepMode: Leaf extends 'cp-cached' ? 'durable' : Leaf extends 'ap-compensated' ? 'saga-first' : 'any';
        readonly order: Given['semantics'] extends 'total-order' ? 'total' : 'any';
        readonly pivot: Given extends { readonly irreversible: 'behind-pivot' } ? 'needed' : 'free';
        readonly limit: ParseSla<Given['sla']> extends { readonly limit: infer Limit extends string }
          ? Limit
          : undefined;
      }
    : FreeRules
  : FreeRules;

type OfferPart<Offer, Name extends string, Before extends string> = Offer extends {
  readonly [Key in Name]: infer Value extends string;
}
  ? `${Before}${Before extends '' ? '' : ', '}${Name}: "${Value}"`
  : Before;

/** An offer in words, its facts in one order. */
type OfferText<Offer> = OfferPart<
  Offer,
  'irreversible',
  OfferPart<Offer, 'semantics', OfferPart<Offer, 'partition', OfferPart<Offer, 'sla', ''>>>
>;

type ReasonOf<Id> = Extract<(typeof rules)[number], { readonly id: Id }>['reason'];

/** Refuses facts that no saga can keep, and shows why. */
export type Requirable<Given> = Given extends Facts
  ? Advise<Given> extends infer Found
    ? Found extends SlaFault<infer Message>
      ? { readonly sla: Refusal<Message> }
      : Found extends { readonly possible: false; readonly rule: infer Id; readonly offer: infer Offer }
        ? Refusal<`Expected facts that can be had together: ${ReasonOf<Id>}; the nearest offer is ${OfferText<Offer>}`>
        : Found extends { readonly possible: true; readonly consistency: 'causal' }
          ? Given extends { readonly partition: 'ap' }
            ? Refusal<(typeof requirementFaults)['coordinator']>
            : {}
          : {}
    : never
  : {};

function offerText(offer: Partial<Facts>): string {
  const names = ['sla', 'partition', 'semantics', 'irreversible'] as const;
  return names.flatMap((name) => (offer[name] === undefined ? [] : [`${name}: "${offer[name]}"`])).join(', ');
}

/**
 * The rules that facts make for a saga.
 *
 * @throws {TypeError} when they contradict each other, or no coordinator can keep them; with the compiler's message.
 */
export function requiredRules(given: Facts): StepRules {
  const facts = checkFacts(given);
  const { possible, consistency, reasons, offer } = adviseChecked(facts);
  const why = reasons[0]?.text;
  if (!possible)
    throw new TypeError(`Expected facts that can be had together: ${why}; the nearest offer is ${offerText(offer)}`);
  if (consistency === 'causal' && facts.partition === 'ap') throw new TypeError(requirementFaults.coordinator);
  return {
    stepMode: consistency === 'cp-cached' ? 'durable' : consistency === 'ap-compensated' ? 'saga-first' : 'any',
    order: facts.semantics === 'total-order' ? 'total' : 'any',
    pivot: facts.irreversible === 'behind-pivot' ? 'needed' : 'free',
    limit: parseSla(facts.sla).limit,
  };
}

/** Whether a sleep alone takes as long as the SLA allows. */
export function breaksLimit(sleepMs: number, limit: string): boolean {
  return BigInt(Math.ceil(sleepMs * 1e6)) >= latencyNs(limit, 'the limit of sla');
}
