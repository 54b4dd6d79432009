/**
 * What may be asked of one saga and answered, one request after another: the sequential model of the control API.
 *
 *   (none) ──started──▶ goes forward ──(by itself, or cancelled)──▶ is undone ──▶ over ──▶ gone
 *                            └──────────────────────────────────────────────────────┘
 *
 * A saga moves by itself, so a state is what is known at least: it can have moved on, and what an answer shows tells how far.
 * It never moves back, except that a person may send one forward again that is being undone.
 */
import type { JsonValue } from '../../saga/json-value.ts';
import type { SequentialModel } from './linearizability.ts';

/** What a client asks of a saga. */
export type ControlInput =
  | { readonly kind: 'start'; readonly request: string }
  | { readonly kind: 'cancel' | 'terminate' | 'look' | 'send forward' }
  | { readonly kind: 'signal'; readonly name: string; readonly payload: JsonValue };

/** What somebody saw of a saga that is there. */
export interface Sight {
  /** Of its last record. */
  readonly seq: number;
  /** Whether it is being undone, was undone, or was terminated. */
  readonly turned: boolean;
  /** How it ended; `undefined` when it has not. */
  readonly over: string | undefined;
  /** The signals that have come, where the whole history was seen. */
  readonly signals: Readonly<Record<string, string>> | undefined;
}

/** What is answered: done, what is shown, or why it was refused. */
export type ControlOutput =
  | { readonly kind: 'done' | 'created' | 'found' | 'nothing' }
  | { readonly kind: 'sight'; readonly sight: Sight }
  | { readonly kind: 'refused'; readonly code: string };

/** What is known of a saga between two requests. */
export interface KnownSaga {
  /** What it was started with; `undefined` when there is none. */
  readonly request: string | undefined;
  readonly seq: number;
  readonly turned: boolean;
  /** How it ended; `'somehow'` when only that it did is known. */
  readonly over: string | undefined;
  /** Whether it is kept by its id alone. */
  readonly gone: boolean;
  readonly signals: Readonly<Record<string, string>>;
}

const none: KnownSaga = { request: undefined, seq: 0, turned: false, over: undefined, gone: false, signals: {} };

function started(
  state: KnownSaga,
  request: string,
  output: ControlOutput | undefined,
  repeats: boolean,
): KnownSaga | undefined {
  const isNew = state.request === undefined;
  if (output === undefined) return isNew ? { ...none, request, seq: 1 } : state;
  if (output.kind === 'created') return isNew ? { ...none, request, seq: 1 } : undefined;
  // With several coordinators a start may be carried out twice by itself, and find what it had made.
  if (isNew && output.kind === 'found') return repeats ? { ...none, request, seq: 1 } : undefined;
  if (isNew) return undefined;
  if (output.kind === 'found') return state.request === request ? state : undefined;
  const code = output.kind === 'refused' ? output.code : '';
  if (code === 'MAKEGOOD_SAGA_PURGED') return gone(state);
  return code === 'MAKEGOOD_SAGA_CONFLICT' && state.request !== request ? state : undefined;
}

function ended(state: KnownSaga): KnownSaga {
  return { ...state, over: state.over ?? 'somehow' };
}

function gone(state: KnownSaga): KnownSaga {
  return { ...ended(state), gone: true };
}

/** What is known once this was seen; `undefined` when what was known makes it impossible. */
function seen(state: KnownSaga, sight: Sight): KnownSaga | undefined {
  if (state.request === undefined || state.gone || sight.seq < state.seq) return undefined;
  if (state.turned && !sight.turned) return undefined;
  if (state.over !== undefined && state.over !== (state.over === 'somehow' ? 'somehow' : sight.over)) return undefined;
  if (state.over === 'somehow' && sight.over === undefined) return undefined;
  const { seq, turned, over, signals } = sight;
  const isLost = ([name, payload]: readonly [string, string]): boolean => signals?.[name] !== payload;
  if (signals !== undefined && Object.entries(state.signals).some(isLost)) return undefined;
  return { ...state, seq, turned, over, signals: { ...state.signals, ...signals } };
}

function signalled(
  state: KnownSaga,
  { name, payload }: { readonly name: string; readonly payload: JsonValue },
  output: ControlOutput | undefined,
): KnownSaga | undefined {
  const text = JSON.stringify(payload);
  const known = state.signals[name];
  const isRepeated = known === text;
  const mayCome = state.over === undefined && (isRepeated || (known === undefined && !state.turned));
  if (output === undefined || output.kind === 'done')
    return mayCome ? { ...state, signals: { ...state.signals, [name]: text } } : undefined;
  // The same signal again is never refused, only one for a saga that is over.
  const isRefused = output.kind === 'refused' && output.code === 'MAKEGOOD_SIGNAL_REFUSED';
  if (isRefused) return state.over === undefined && !isRepeated ? state : undefined;
  return refused(state, output);
}

function cancelled(state: KnownSaga, output: ControlOutput | undefined): KnownSaga | undefined {
  if (output === undefined) return state.over === undefined ? { ...state, turned: true } : undefined;
  if (output.kind === 'sight')
    return state.over === undefined && output.sight.turned ? seen(state, output.sight) : undefined;
  if (output.kind === 'refused' && output.code === 'MAKEGOOD_PAST_PIVOT')
    return state.turned || state.over !== undefined ? undefined : state;
  return refused(state, output);
}

function terminated(state: KnownSaga, output: ControlOutput | undefined): KnownSaga | undefined {
  if (output === undefined)
    return state.over === undefined ? { ...state, turned: true, over: 'terminated' } : undefined;
  if (output.kind === 'done') return terminated(state, undefined);
  if (output.kind !== 'sight') return refused(state, output);
  if (state.over !== undefined || output.sight.over !== 'terminated') return undefined;
  return seen(state, output.sight);
}

/** A refusal that says something about where the saga stands. */
function refused(state: KnownSaga, output: ControlOutput): KnownSaga | undefined {
  if (output.kind !== 'refused') return undefined;
  if (output.code === 'MAKEGOOD_SAGA_ENDED') return ended(state);
  if (output.code === 'MAKEGOOD_SAGA_NOT_FOUND' || output.code === 'MAKEGOOD_SAGA_PURGED') return gone(state);
  // Without its definition nothing can be asked of a saga that is not over.
  return output.code === 'MAKEGOOD_SAGA_BLOCKED' && state.over === undefined ? state : undefined;
}

function looked(state: KnownSaga, output: ControlOutput | undefined): KnownSaga | undefined {
  if (output === undefined) return state;
  if (output.kind === 'sight') return seen(state, output.sight);
  // It may have ended, and been purged, unseen.
  return output.kind === 'nothing' ? gone(state) : undefined;
}

function step(
  state: KnownSaga,
  input: ControlInput,
  output: ControlOutput | undefined,
  repeats: boolean,
): KnownSaga | undefined {
  if (input.kind === 'start') return started(state, input.request, output, repeats);
  if (state.request === undefined) {
    const isMissing =
      output?.kind === 'nothing' || (output?.kind === 'refused' && output.code === 'MAKEGOOD_SAGA_NOT_FOUND');
    return isMissing ? state : undefined;
  }
  switch (input.kind) {
    case 'signal':
      return signalled(state, input, output);
    case 'cancel':
      return cancelled(state, output);
    case 'terminate':
      return terminated(state, output);
    case 'send forward':
      return output === undefined || output.kind === 'done' ? { ...state, turned: false } : state;
    case 'look':
      return looked(state, output);
  }
}

/**
 * The model of one saga.
 *
 * @param repeats whether a request may be carried out twice, because it was handed on from one coordinator to another.
 */
export function controlModel(repeats: boolean): SequentialModel<KnownSaga, ControlInput, ControlOutput> {
  return {
    initial: none,
    step: (state, input, output) => step(state, input, output, repeats),
    keyOf: (state) => JSON.stringify(state),
  };
}
