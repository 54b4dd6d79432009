/**
 * A choreographed saga as it looks from outside: folded from its events, retries and dead letters alone. What a service did
 * is known by what it emitted in answer; a reaction that emits nothing is taken for done as long as nothing says otherwise.
 */
import type { Failure } from '../saga/failure.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { SagaStatus, StepStatus } from '../saga/status.ts';
import type { ChoreographyPlan, ReactionDescription } from './choreography-plan.ts';
import type { CloudEvent } from './cloud-event.ts';

/** A dead letter, as far as a view needs it. */
export interface DeadLetterNote {
  readonly service: string;
  readonly event: CloudEvent;
  readonly reason: string;
  readonly detail: string;
  /** ms since 1970. */
  readonly at: number;
}

/** One reaction of one service in a saga. Times are ms since 1970, by the emitters' clocks. */
export interface ChoreographyStepView {
  /** `service/event`. */
  readonly name: string;
  readonly state: StepStatus;
  readonly attempts: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly failure?: Failure;
}

/** A choreographed saga, in the words of an orchestrated one (`SagaView`). */
export interface ChoreographyView {
  readonly id: string;
  readonly name: string;
  readonly status: Extract<SagaStatus, 'running' | 'compensating' | 'completed' | 'compensated' | 'needs-human'>;
  /** The data of the event that began it; `null` when that was not seen. */
  readonly input: JsonValue;
  readonly failure?: Failure;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly steps: readonly ChoreographyStepView[];
}

/** Everything that was seen of one saga, in the order it was seen. */
export interface SagaTrail {
  readonly id: string;
  readonly events: readonly CloudEvent[];
  readonly deadLetters: readonly DeadLetterNote[];
}

function timeOf({ time }: CloudEvent): number {
  const at = Date.parse(time);
  return Number.isNaN(at) ? 0 : at;
}

function rootId({ id, retryof }: CloudEvent): string {
  return retryof ?? id;
}

/** How one reaction to one event stands. */
function stepOf(
  trail: SagaTrail,
  service: string,
  reaction: ReactionDescription,
  cause: CloudEvent,
): ChoreographyStepView {
  const retries = trail.events.filter(({ retryof, target }) => retryof === cause.id && target === service);
  const last = retries.at(-1)?.retry;
  const answer = answerTo(trail, service, cause);
  const undoing = trail.events.find(
    ({ type, retryof }) => retryof === undefined && reaction.compensateOn.includes(type),
  );
  const letter = trail.deadLetters.findLast((note) => note.service === service && concerns(note, cause, undoing));
  const name = `${service}/${reaction.on}`;
  const facts = { name, attempts: (last?.attempts ?? 0) + 1, startedAt: timeOf(cause) };
  const isDone = answer !== undefined || (reaction.emits.length === 0 && last === undefined);
  const ended = answer === undefined ? {} : { endedAt: timeOf(answer) };
  if (letter !== undefined && !(letter.event.id === cause.id && isDone && answer !== undefined))
    return {
      ...facts,
      state: 'needs-human',
      failure: { code: letter.reason, message: letter.detail },
      endedAt: letter.at,
    };
  if (undoing !== undefined) {
    const undone = answerTo(trail, service, undoing);
    if (!isDone) return { ...facts, state: 'skipped', attempts: last?.attempts ?? 0 };
    const isUndone = undone !== undefined || reaction.emits.length === 0;
    return { ...facts, state: isUndone ? 'compensated' : 'compensating', ...(undone && { endedAt: timeOf(undone) }) };
  }
  if (isDone) return { ...facts, state: 'confirmed', ...ended };
  return { ...facts, state: 'running', ...(last && { failure: { code: last.code, message: last.message } }) };
}

/** What a service emitted because of an event; its retries are no answer. */
function answerTo({ events }: SagaTrail, service: string, cause: CloudEvent): CloudEvent | undefined {
  return events.find(
    ({ source, causationid, retryof }) => source === service && causationid === cause.id && retryof === undefined,
  );
}

function concerns({ event }: DeadLetterNote, cause: CloudEvent, undoing: CloudEvent | undefined): boolean {
  return rootId(event) === cause.id || (undoing !== undefined && rootId(event) === undoing.id);
}

/**
 * How a saga stands, as far as its events tell.
 *
 * @example
 * const plan = { name: 'order', begins: 'order.placed', services: [] };
 * viewOfChoreography(plan, { id: 'order-7', events: [], deadLetters: [] }).status // => 'running'
 */
export function viewOfChoreography(plan: ChoreographyPlan, trail: SagaTrail): ChoreographyView {
  const firsts = trail.events.filter(({ retryof }) => retryof === undefined);
  const steps = plan.services.flatMap(({ service, reactions }) =>
    reactions.flatMap((reaction) =>
      firsts.filter(({ type }) => type === reaction.on).map((cause) => stepOf(trail, service, reaction, cause)),
    ),
  );
  const times = [...trail.events.map(timeOf), ...trail.deadLetters.map(({ at }) => at)];
  const failure = steps.find(({ state }) => state === 'needs-human')?.failure;
  return {
    id: trail.id,
    name: plan.name,
    status: statusOf(plan, firsts, steps),
    input: firsts.find(({ type }) => type === plan.begins)?.data ?? null,
    ...(failure !== undefined && { failure }),
    createdAt: times.length === 0 ? 0 : Math.min(...times),
    updatedAt: times.length === 0 ? 0 : Math.max(...times),
    steps,
  };
}

function statusOf(
  { completes }: ChoreographyPlan,
  events: readonly CloudEvent[],
  steps: readonly ChoreographyStepView[],
): ChoreographyView['status'] {
  const has = (...states: readonly StepStatus[]): boolean => steps.some(({ state }) => states.includes(state));
  if (has('needs-human')) return 'needs-human';
  if (has('compensating')) return 'compensating';
  const isUndone = has('compensated', 'skipped');
  if (has('running')) return isUndone ? 'compensating' : 'running';
  if (isUndone) return 'compensated';
  const isComplete = completes === undefined ? steps.length > 0 : events.some(({ type }) => completes.includes(type));
  return isComplete ? 'completed' : 'running';
}
