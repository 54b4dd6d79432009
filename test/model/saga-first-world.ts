/** What there is in the model of one saga-first step: the rules, a world, and what must hold in it. */
import type { SagaFirstDraft, SagaFirstRecord } from '../../src/saga/saga-first/saga-first-record.ts';
import { applySagaFirst, type SagaFirstState } from '../../src/saga/saga-first/saga-first-state.ts';

/** The rules of the protocol, each of which can be taken away. */
export interface Protocol {
  /** R1: the operation is sent only after the registration is acknowledged. */
  readonly registersFirst: boolean;
  /** R2: the first decision wins, and its writer reads back which it was. */
  readonly firstDecisionWins: boolean;
  /** R3: the caller is told of success only after its confirmation has won. */
  readonly answersAfterConfirm: boolean;
  /** The caller confirms at all. */
  readonly confirms: boolean;
  /** R4: the compensator acts only on a trigger that won. */
  readonly actsOnWonTrigger: boolean;
  /** R6: an undo bars the operation from then on. */
  readonly tombstone: boolean;
  readonly compensationIsIdempotent: boolean;
  readonly operationIsIdempotent: boolean;
  /** Done is written after it is done. */
  readonly marksAfterExecuting: boolean;
  /** R7: what the store has acknowledged it keeps. */
  readonly storeKeeps: boolean;
  /** The service can be asked whether the operation took effect. */
  readonly probes: boolean;
}

const callerSteps = [
  'new',
  'registering',
  'ready',
  'calling',
  'deciding',
  'told of success',
  'told of failure',
  'gone',
] as const;

export const messages = [
  'register',
  'registered',
  'operation',
  'applied',
  'refused',
  'confirm',
  'trigger',
  'is confirmed',
  'is triggered',
  'compensate',
  'compensated',
  'probe',
  'probed: applied',
  'probed: nothing, and barred',
] as const;

export type Message = (typeof messages)[number];

export const makers: Readonly<Record<Message, string>> = {
  register: 'caller',
  operation: 'caller',
  confirm: 'caller',
  trigger: 'caller',
  registered: 'store',
  'is confirmed': 'store',
  'is triggered': 'store',
  applied: 'service',
  refused: 'service',
  compensated: 'service',
  'probed: applied': 'service',
  'probed: nothing, and barred': 'service',
  compensate: 'compensator',
  probe: 'compensator',
};

/** What the network doubles: the others are heard once, or change nothing a second time. */
export const requests: ReadonlySet<Message> = new Set(['operation', 'confirm', 'compensate']);

/** Everything there is at one moment. */
export interface World {
  readonly log: SagaFirstState | undefined;
  readonly caller: (typeof callerSteps)[number];
  readonly sent: number;
  readonly mail: Readonly<Partial<Record<Message, number>>>;
  readonly service: {
    readonly applied: number;
    readonly undone: number;
    readonly barred: boolean;
    readonly undoKnown: boolean;
  };
  /** `seq` is what the compensator has read, and writes upon. */
  readonly compensator: { readonly at: 'idle' | 'triggering' | 'calling' | 'probing' | 'marked'; readonly seq: number };
}

export const start: World = {
  log: undefined,
  caller: 'new',
  sent: 0,
  mail: {},
  service: { applied: 0, undone: 0, barred: false, undoKnown: false },
  compensator: { at: 'idle', seq: 0 },
};

export const idle: World['compensator'] = { at: 'idle', seq: 0 };
export const registration = { name: 'undo', args: null, operationKey: 'k', settleAfterMs: 0, version: '1' };

export function post(world: World, message: Message): World {
  return { ...world, mail: { ...world.mail, [message]: Math.min(2, (world.mail[message] ?? 0) + 1) } };
}

export function take(world: World, message: Message): World {
  return { ...world, mail: { ...world.mail, [message]: (world.mail[message] ?? 1) - 1 } };
}

export function write(world: World, draft: SagaFirstDraft): World {
  const record = { ...draft, seq: (world.log?.seq ?? 0) + 1, at: 0 } as SagaFirstRecord;
  return { ...world, log: applySagaFirst('s', world.log, record) };
}

const stillWaits: Partial<Record<Message, (world: World) => boolean>> = {
  registered: ({ caller }) => caller === 'registering',
  applied: ({ caller }) => caller === 'calling',
  refused: ({ caller }) => caller === 'calling',
  'is confirmed': ({ caller }) => caller === 'deciding',
  'is triggered': ({ caller }) => caller === 'deciding',
  compensated: ({ log }) => log?.status === 'triggered',
  'probed: applied': ({ log }) => log?.status === 'registered',
  'probed: nothing, and barred': ({ log }) => log?.status === 'registered',
};

/** Without the answers that nobody will ever listen to: worlds that differ only in them are one. */
export function tidy(world: World): World {
  const unheard = Object.keys(world.mail).filter((message) => stillWaits[message as Message]?.(world) === false);
  if (unheard.length === 0) return world;
  const mail = { ...world.mail };
  for (const message of unheard) delete mail[message as Message];
  return { ...world, mail };
}

/** The same text for worlds that are the same. */
export function keyOf({ log, caller, sent, mail, service, compensator }: World): string {
  const known = log === undefined ? '' : `${log.status} ${log.seq} ${log.compensationAttempts}`;
  const { applied, undone, barred, undoKnown } = service;
  let text = `${known} ${caller} ${sent} ${applied}${undone}${barred}${undoKnown} ${compensator.at}${compensator.seq} `;
  for (const message of messages) text += mail[message] ?? 0;
  return text;
}

/** What must never be, in any world. */
export function breachOf({ service: { applied, undone }, caller, log }: World): string | undefined {
  if (applied > 1) return 'the operation took effect twice';
  if (undone > 1) return 'the compensation took effect twice';
  if (caller === 'told of success' && undone > 0) return 'the caller was told of success, and it is undone';
  if (caller === 'told of failure' && log?.status === 'confirmed')
    return 'the caller was told of failure, and it is confirmed';
  return undefined;
}

/** What must never be when nothing moves any more. */
export function breachAtRest({ service: { applied, undone }, caller, log }: World): string | undefined {
  const standing = applied - undone;
  if (log === undefined && applied > 0) return 'the operation took effect, and nobody knows how to undo it';
  if (caller === 'told of success' && standing !== 1) return 'the caller was told of success, and there is no effect';
  if (log?.status === 'confirmed' && standing !== 1) return 'it is confirmed, and there is no effect';
  if ((log?.status === 'compensated' || log?.status === 'noop') && standing !== 0)
    return 'it counts as undone, and the effect stands';
  if (log?.status === 'registered' || log?.status === 'triggered') return `it stays ${log.status} for ever`;
  return undefined;
}
