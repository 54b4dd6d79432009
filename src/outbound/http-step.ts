import { InProgressError } from '../idempotency/idempotency-errors.ts';
import type { RetryOptions } from '../retry/decide-retry.ts';
import type { ActionContext, ProbeAnswer, StepFactsContext } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { CompensatableStep, ForwardStep, ReadOnlyStep, StepPolicies } from '../saga/step-options.ts';
import { type AnswerMeaning, answerMeaning } from './answer-meaning.ts';
import { isRepeatableCall } from './remote-call-error.ts';
import type { RemoteCaller, RemotePhase } from './remote-caller.ts';
import { checkTarget, remoteCallOf, type RemoteTarget } from './remote-request.ts';

/** What a remote step is given beside what every handler is given. */
export interface RemoteContext extends ActionContext<unknown, unknown, unknown> {
  /** Makes the call; `undefined` where the coordinator was given none. */
  readonly caller: RemoteCaller | undefined;
  /** What a person gave the step's calls as their input, in a list of one. */
  readonly args: readonly [JsonValue] | undefined;
  /** Whether the participant said that it was still at it, and is asked again. */
  readonly isPoll: boolean;
  /** Wall clock, ms since 1970. */
  readonly now: number;
  /** Tells whoever watches that the answer was taken, but not all of it. */
  warn(message: string): void;
}

/** Options of every {@link http} step. Handlers are the participant's; everything else is as of any step. */
export interface HttpStepOptions<Input = unknown, Results = unknown, Item = unknown>
  extends Omit<StepPolicies, 'effectBeforeThrow'> {
  /** What is called for the action. */
  readonly url: string | RemoteTarget;
  /** Makes the body of the action's request. Default: the saga's input, or the item in a `forEach`. */
  input?(this: void, context: StepFactsContext<Input, Results> & { readonly item: Item }): unknown;
  /** Whether it is run at all, asked once when it could start. Default: it is. */
  readonly when?: ((context: StepFactsContext<Input, Results>) => boolean) | undefined;
  /** Whether it changes nothing, so that there is nothing to undo. Default `false`. */
  readonly readOnly?: boolean;
}

/** Options of an {@link http} step that can be undone. */
export interface HttpUndoOptions<Input = unknown, Results = unknown, Item = unknown>
  extends HttpStepOptions<Input, Results, Item> {
  /** What is called to undo it: `{ input, output }`, without `output` when nobody knows whether it was applied. */
  readonly compensateUrl: string | RemoteTarget;
  /** What is asked whether it was applied, before a step of unknown outcome is undone. Default: nothing. */
  readonly statusUrl?: string | RemoteTarget;
  /** Whether the participant refuses a call that comes after its undoing, so that undoing need not wait. Default `false`. */
  readonly barrier?: boolean;
  /** Whether the compensation is right when nobody knows whether the action was applied. Default `true`. */
  readonly nullSafe?: boolean;
  /** Whether it is undone even after it was refused for certain. Default `false`. */
  readonly compensateOnFailure?: boolean;
  readonly readOnly?: false;
}

/**
 * How calls to participants are retried unless their step says otherwise: as everything is, but for any failure that is no
 * definite refusal, since a participant knows a repeated call by its key.
 */
export const remoteRetryDefaults: RetryOptions = Object.freeze({ retryable: isRepeatableCall });

/**
 * Makes a step whose participant is called over HTTP, in any language: `POST`, JSON, and the headers of the protocol. Who
 * makes the calls is the coordinator's: `openTempo({ caller: nodeCaller() })`.
 *
 * @param options.url what is called for the action; `compensateUrl` undoes it, `statusUrl` tells whether it was applied.
 * @throws {TypeError} at once, for a URL that is not absolute, carries a password, or a header that is reserved.
 * @see docs/guides/remote-participants.md, what each answer means.
 * @example
 * const order = saga('order').input<{ sku: string }>()
 *   .step('reserve', http({ url: 'http://inventory/reserve', compensateUrl: 'http://inventory/release' }))
 *   .pivot('ship', http({ url: 'http://shipping/ship', input: ({ results }) => results }))
 *   .output();
 * order.steps.map((step) => step.name) // => ['reserve', 'ship']
 */
export function http<Output = JsonValue, Input = unknown, Results = unknown, Item = unknown>(
  options: HttpUndoOptions<Input, Results, Item>,
): CompensatableStep<Input, Results, Output, Item>;
export function http<Output = JsonValue, Input = unknown, Results = unknown, Item = unknown>(
  options: HttpStepOptions<Input, Results, Item> & { readonly readOnly: true },
): ReadOnlyStep<Input, Results, Output, Item>;
export function http<Output = JsonValue, Input = unknown, Results = unknown, Item = unknown>(
  options: HttpStepOptions<Input, Results, Item>,
): ForwardStep<Input, Results, Output, Item>;
export function http(options: HttpStepOptions & Partial<Omit<HttpUndoOptions, keyof HttpStepOptions>>): object {
  const { url, compensateUrl, statusUrl, input, barrier = false, ...policies } = options;
  const action = checkTarget(url, 'url');
  const undo = compensateUrl === undefined ? undefined : checkTarget(compensateUrl, 'compensateUrl');
  const probe = statusUrl === undefined ? undefined : checkTarget(statusUrl, 'statusUrl');
  const call = (target: RemoteTarget, phase: RemotePhase) => (context: RemoteContext) =>
    callRemote(target, phase, context, input);
  return {
    ...policies,
    retry: { ...remoteRetryDefaults, ...options.retry },
    // A barrier stops what comes late, and makes undoing what never happened harmless.
    ...(barrier ? { maxFlight: 0, nullSafe: true } : {}),
    run: call(action, 'action'),
    ...(undo === undefined ? {} : { compensate: call(undo, 'compensation') }),
    ...(probe === undefined ? {} : { statusProbe: call(probe, 'status') }),
    targets: [action, undo, probe].flatMap((target) => (target === undefined ? [] : [target.url])),
  };
}

async function callRemote(
  target: RemoteTarget,
  phase: RemotePhase,
  context: RemoteContext,
  makeInput: HttpStepOptions['input'],
): Promise<unknown> {
  const { caller, args } = context;
  if (caller === undefined)
    throw new TypeError(`Expected openTempo to be given a caller: step "${context.step}" is remote`);
  const inputOf = (): unknown => {
    if (args !== undefined) return args[0];
    if (makeInput !== undefined) return makeInput(context);
    return context.item === undefined ? context.input : context.item;
  };
  const call = remoteCallOf(target, phase, context, inputOf);
  return concluded(context, answerMeaning(call, await caller.call(call), context.now));
}

/** What a handler returns or throws, as the coordinator understands it. */
function concluded(context: RemoteContext, meaning: AnswerMeaning): JsonValue | undefined | ProbeAnswer {
  switch (meaning.outcome) {
    case 'done':
      if (meaning.warning !== undefined) context.warn(meaning.warning);
      return meaning.output;
    case 'probed':
      return meaning.effect === 'applied' ? { effect: 'applied', output: meaning.output ?? null } : { effect: 'none' };
    case 'in-progress':
      throw new InProgressError(context.idempotencyKey, { retryAfterMs: meaning.delayMs });
    default:
      throw meaning.error;
  }
}
