/**
 * One saga-first step as a graph of worlds: what the store has, what is on its way, what the service did, where caller
 * and compensator stand. The records, their order and the compensator's decisions are those of `src/saga/saga-first`.
 * The fault model: every message may be lost, late and doubled; caller and compensator may die between any two moves; the
 * compensator's timer may fire at any time. Bounds: two messages of a kind on their way, two calls of each by its maker.
 */
import { type CompensatorRules, decideCompensator } from '../../src/saga/saga-first/decide-saga-first.ts';
import type { SagaFirstDraft } from '../../src/saga/saga-first/saga-first-record.ts';
import { mayFollow } from '../../src/saga/saga-first/saga-first-state.ts';
import type { Move } from './explore.ts';
import {
  idle,
  makers,
  type Message,
  messages,
  post,
  type Protocol,
  registration,
  requests,
  take,
  type World,
  write,
} from './saga-first-world.ts';

/** A decision reaches the store, which answers with the one that holds. */
function decide(world: World, draft: SagaFirstDraft & { type: 'confirmed' | 'triggered' }, protocol: Protocol): World {
  const { log } = world;
  const free = protocol.firstDecisionWins
    ? log?.status === 'registered'
    : log !== undefined && mayFollow(log, draft.type);
  const after = free ? write(world, draft) : world;
  const holds = protocol.firstDecisionWins ? after.log?.status === 'confirmed' : draft.type === 'confirmed';
  return post(after, holds ? 'is confirmed' : 'is triggered');
}

/** What the caller does by itself. */
function callerMoves(world: World, protocol: Protocol): Move<World>[] {
  const { caller, sent } = world;
  const moves: Move<World>[] = [];
  const send = (text: string, after: World): number =>
    moves.push({ from: 'caller', to: 'caller', text: `sends ${text}`, world: after });
  if (caller === 'new') {
    const asked = post({ ...world, caller: 'registering' }, 'register');
    send('register', protocol.registersFirst ? asked : post({ ...asked, caller: 'calling', sent: 1 }, 'operation'));
  }
  if (caller === 'ready' || (caller === 'calling' && sent < 2))
    send('operation', post({ ...world, caller: 'calling', sent: sent + 1 }, 'operation'));
  if (!caller.startsWith('told') && caller !== 'gone')
    moves.push({ from: 'caller', to: 'caller', text: 'dies', world: { ...world, caller: 'gone' }, fault: true });
  return moves;
}

function byCompensator(text: string, target: string, world: World): Move<World> {
  return { from: 'compensator', to: target, text, world };
}

/** What the compensator does by itself; its timer may fire at any time, so that everything is due. */
function compensatorMoves(world: World, protocol: Protocol): Move<World>[] {
  const { log, compensator } = world;
  const moves: Move<World>[] = [];
  const rested = { ...world, compensator: idle };
  if (compensator.at === 'calling' || compensator.at === 'probing')
    moves.push(byCompensator('gives up waiting', 'compensator', rested));
  if (compensator.at === 'triggering' || compensator.at === 'marked')
    moves.push({ ...byCompensator('dies', 'compensator', rested), fault: true });
  if (compensator.at === 'marked')
    moves.push(
      byCompensator(
        'sends compensate',
        'compensator',
        post({ ...world, compensator: { at: 'calling', seq: 0 } }, 'compensate'),
      ),
    );
  if (compensator.at === 'triggering') moves.push(byCompensator('trigger', 'store', trigger(world, protocol)));
  if (compensator.at !== 'idle' || log === undefined) return moves;
  const { move } = decideCompensator(log, Infinity, rules(protocol), undefined);
  const calling = { ...world, compensator: { at: 'calling', seq: log.seq } as const };
  if (move === 'trigger')
    moves.push(
      byCompensator('the timer fires', 'compensator', { ...world, compensator: { at: 'triggering', seq: log.seq } }),
    );
  if (move === 'probe')
    moves.push(
      byCompensator(
        'sends probe',
        'compensator',
        post({ ...world, compensator: { at: 'probing', seq: log.seq } }, 'probe'),
      ),
    );
  if (move === 'escalate')
    moves.push(
      byCompensator('escalate', 'store', write(world, { type: 'escalated', failure: { code: 'E', message: '' } })),
    );
  if (move === 'attempt' && protocol.marksAfterExecuting) {
    const announced = write(calling, {
      type: 'attempted',
      phase: 'compensation',
      attempt: log.compensationAttempts + 1,
    });
    moves.push(byCompensator('writes attempt, sends compensate', 'compensator', post(announced, 'compensate')));
  }
  if (move === 'attempt' && !protocol.marksAfterExecuting)
    moves.push(
      byCompensator(
        'compensated',
        'store',
        write({ ...world, compensator: { at: 'marked', seq: 0 } }, { type: 'compensated' }),
      ),
    );
  return moves;
}

function trigger(world: World, protocol: Protocol): World {
  const { log, compensator } = world;
  const free = protocol.firstDecisionWins
    ? log?.seq === compensator.seq
    : log !== undefined && mayFollow(log, 'triggered');
  if (free) return { ...write(world, { type: 'triggered', reason: 'abandoned' }), compensator: idle };
  return protocol.actsOnWonTrigger
    ? { ...world, compensator: idle }
    : post({ ...world, compensator: { at: 'calling', seq: 0 } }, 'compensate');
}

function rules({ probes }: Protocol): CompensatorRules {
  return { maxAttempts: 2, longestDelayMs: () => 0, attemptTimeoutMs: 0, skewAllowanceMs: 0, canProbe: probes };
}

/** What follows when a message arrives. */
function arrive(message: Message, world: World, protocol: Protocol): { to: string; worlds: readonly World[] } {
  const { caller, compensator, log } = world;
  switch (message) {
    case 'register': {
      const kept = log === undefined ? write(world, { type: 'registered', ...registration }) : world;
      return { to: 'store', worlds: [post(kept, 'registered')] };
    }
    case 'registered':
      return { to: 'caller', worlds: [caller === 'registering' ? { ...world, caller: 'ready' } : world] };
    case 'operation':
      return { to: 'service', worlds: operate(world, protocol) };
    case 'applied':
      return { to: 'caller', worlds: [caller === 'calling' ? succeed(world, protocol) : world] };
    case 'refused':
      return {
        to: 'caller',
        worlds: [caller === 'calling' ? post({ ...world, caller: 'deciding' }, 'trigger') : world],
      };
    case 'confirm':
      return { to: 'store', worlds: [decide(world, { type: 'confirmed', result: null }, protocol)] };
    case 'trigger':
      return { to: 'store', worlds: [decide(world, { type: 'triggered', reason: 'failed' }, protocol)] };
    case 'is confirmed':
      return { to: 'caller', worlds: [caller === 'deciding' ? { ...world, caller: 'told of success' } : world] };
    case 'is triggered':
      return { to: 'caller', worlds: [caller === 'deciding' ? { ...world, caller: 'told of failure' } : world] };
    case 'compensate':
      return { to: 'service', worlds: [post(undo(world, protocol), 'compensated')] };
    case 'compensated': {
      const heard = compensator.at === 'calling' && log?.status === 'triggered';
      const done = heard ? write(world, { type: 'compensated' }) : world;
      return { to: 'compensator', worlds: [compensator.at === 'calling' ? { ...done, compensator: idle } : world] };
    }
    case 'probe':
      return { to: 'service', worlds: [probe(world)] };
    case 'probed: applied':
    case 'probed: nothing, and barred':
      return { to: 'compensator', worlds: [compensator.at === 'probing' ? probed(message, world) : world] };
  }
}

function succeed(world: World, { confirms, answersAfterConfirm }: Protocol): World {
  if (!confirms) return { ...world, caller: 'told of success' };
  return post({ ...world, caller: answersAfterConfirm ? 'deciding' : 'told of success' }, 'confirm');
}

/** The operation takes effect, or the service has its reasons not to. */
function operate(world: World, { operationIsIdempotent }: Protocol): World[] {
  const { service } = world;
  if (service.barred) return [post(world, 'refused')];
  if (service.applied > 0 && operationIsIdempotent) return [post(world, 'applied')];
  const applied = { ...world, service: { ...service, applied: service.applied + 1 } };
  return service.applied > 0 ? [post(applied, 'applied')] : [post(applied, 'applied'), post(world, 'refused')];
}

function undo(world: World, { compensationIsIdempotent, tombstone }: Protocol): World {
  const { service } = world;
  const isNew = !service.undoKnown || !compensationIsIdempotent;
  const undone = service.undone + (service.applied > 0 && isNew ? 1 : 0);
  const barred = service.barred || tombstone;
  return { ...world, service: { ...service, undone, barred, undoKnown: service.applied > 0 || tombstone } };
}

function probe(world: World): World {
  const { service } = world;
  if (service.applied > service.undone) return post(world, 'probed: applied');
  return post({ ...world, service: { ...service, barred: true } }, 'probed: nothing, and barred');
}

/** The compensator decides by the answer, if nobody has decided since it asked. */
function probed(answer: Message, world: World): World {
  const free = world.log?.seq === world.compensator.seq && world.log.status === 'registered';
  const rested = { ...world, compensator: idle };
  if (!free) return rested;
  if (answer === 'probed: applied') return write(rested, { type: 'confirmed', result: null });
  return write(write(rested, { type: 'triggered', reason: 'abandoned' }), { type: 'noop' });
}

/** Every move that is possible in a world. */
export function movesOf(world: World, protocol: Protocol): Move<World>[] {
  const moves = [...callerMoves(world, protocol), ...compensatorMoves(world, protocol), ...mailMoves(world, protocol)];
  if (!protocol.storeKeeps && world.log?.status === 'registered')
    moves.push({
      from: 'store',
      to: 'store',
      text: 'forgets what it acknowledged',
      world: { ...world, log: undefined },
      fault: true,
    });
  return moves;
}

/** What the network does: it delivers, loses and doubles. An answer that comes twice is heard once, so only requests are. */
function mailMoves(world: World, protocol: Protocol): Move<World>[] {
  const moves: Move<World>[] = [];
  for (const text of messages) {
    const count = world.mail[text] ?? 0;
    if (count === 0) continue;
    const rest = take(world, text);
    const { to, worlds } = arrive(text, rest, protocol);
    for (const after of worlds) moves.push({ from: makers[text], to, text, world: after });
    moves.push({ from: to, to, text: `(${text} is lost)`, world: rest, fault: true });
    if (count === 1 && requests.has(text))
      moves.push({ from: to, to, text: `(${text} is doubled)`, world: post(world, text), fault: true });
  }
  return moves;
}
