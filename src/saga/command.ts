import type { SagaDefinition } from './definition.ts';
import type { JsonValue } from './json-value.ts';
import type { CallKind, HumanVerb, ParentLink, RunLink } from './record.ts';

/** Which attempt of which step's call something happened to. */
interface OfAttempt {
  readonly step: number;
  readonly attempt: number;
}

/** What happened to a saga, from outside. */
export type SagaCommand =
  | {
      readonly type: 'start';
      readonly input: JsonValue;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly deadlineMs?: number | undefined;
      readonly parent?: ParentLink | undefined;
      readonly run?: RunLink | undefined;
      /** Whether it may take the id of a saga that was purged. */
      readonly allowReuse?: boolean | undefined;
    }
  | OutcomeCommand
  | ControlCommand
  /** A handler that had outlived its time-out has returned. */
  | { readonly type: 'action-settled'; readonly step: number }
  /** The saga that this one is a step of has ended, or is itself released. */
  | { readonly type: 'release' }
  /** Go on from where the records end: a timer is due, or there is room to work again. */
  | { readonly type: 'proceed' }
  /** As `proceed`, after a crash: attempts that are open on record have lost their caller. */
  | { readonly type: 'recover' };

/** What became of a call. */
export type OutcomeCommand =
  /** The action of a step was applied. */
  | (OfAttempt & {
      readonly type: 'action-applied';
      readonly output: JsonValue;
      readonly settleAt?: number | undefined;
    })
  /**
   * An attempt of the action failed: for certain, or with an unknown effect, or (`effect: 'none'`) without any.
   * `settleAt` is given while a handler of the step has not returned, or its participant has not answered: until then its
   * call may still be on its way. `answered`: the participant has, so nothing of the step is on its way any more.
   */
  | (OfAttempt & {
      readonly type: 'action-failed';
      readonly error: unknown;
      readonly definite: boolean;
      readonly effect?: 'none' | undefined;
      readonly settleAt?: number | undefined;
      readonly answered?: boolean | undefined;
    })
  | (OfAttempt & { readonly type: 'compensation-applied' })
  | (OfAttempt & { readonly type: 'compensation-failed'; readonly error: unknown; readonly definite: boolean })
  /** The callee is still at it; ask again in a while. */
  | (OfAttempt & { readonly type: 'call-in-progress'; readonly phase: CallKind; readonly delayMs: number })
  /** A guard refused the call, which was not made. */
  | (OfAttempt & {
      readonly type: 'call-postponed';
      readonly phase: CallKind;
      readonly error: unknown;
      readonly delayMs: number;
    })
  | (OfAttempt & {
      readonly type: 'probe-answered';
      readonly effect: 'applied' | 'none';
      readonly output?: JsonValue | undefined;
    })
  | (OfAttempt & { readonly type: 'probe-failed'; readonly error: unknown });

/** What somebody asks of a saga; refused with an error where the saga's state does not allow it. */
export type ControlCommand = Control & {
  /** The number under which another coordinator has asked for it. */
  readonly asked?: string;
};

type Control =
  | { readonly type: 'cancel'; readonly reason?: string | undefined; readonly byParent?: boolean }
  | { readonly type: 'terminate'; readonly by?: string | undefined; readonly reason?: string | undefined }
  | { readonly type: 'signal'; readonly name: string; readonly payload: JsonValue }
  /** `atMost`: the deadline of the saga that this one is a step of. */
  | { readonly type: 'renew'; readonly deadlineMs: number; readonly atMost?: number | undefined }
  | HumanCommand
  | { readonly type: 'migrate'; readonly to: SagaDefinition };

/** What a person decides about a step, or about the saga as a whole where `step` is absent. */
export interface HumanCommand {
  readonly type: 'human';
  readonly verb: HumanVerb;
  readonly step?: string | undefined;
  readonly by: string;
  /** `seq` of the saga as the person saw it; refused when it has moved on. Default: not compared. */
  readonly expectedSeq?: number | undefined;
  readonly note?: string | undefined;
  readonly args?: JsonValue | undefined;
  readonly output?: JsonValue | undefined;
}

/** A call that is to be made. */
export type CallEffect = OfAttempt & {
  readonly type: 'run' | 'compensate' | 'probe';
  readonly timeoutMs: number;
};

/** Something that is to be asked of a child saga; asking twice must do no harm. */
export interface ChildEffect {
  readonly type: 'start-child' | 'abort-child' | 'release-child' | 'terminate-child';
  readonly step: number;
}

/** What the shell is to do once the records are durable. */
export type SagaEffect =
  | CallEffect
  | ChildEffect
  /** The actions in flight are not wanted any more: abort their signals. */
  | { readonly type: 'abort' }
  /** Send `proceed` at this time (ms since 1970). */
  | { readonly type: 'wake'; readonly at: number };
