import { MakegoodError } from '../errors.ts';

/** A message is no event of a saga: it cannot be read, or lacks what every such event has. It is dead-lettered. */
export class MalformedEventError extends MakegoodError {
  constructor(why: string, options?: ErrorOptions) {
    super('MAKEGOOD_EVENT_MALFORMED', `the message is no event of a saga: ${why}`, options);
  }
}

/**
 * Thrown by a reaction to say: what this event needs is not there yet. The event is held and tried again, without costing
 * an attempt, for as long as the reaction's `holdFor`; then it is dead-lettered.
 *
 * @example
 * new NotYetError('order 7 is not known here yet').code // => 'MAKEGOOD_NOT_YET'
 */
export class NotYetError extends MakegoodError {
  constructor(why: string, options?: ErrorOptions) {
    super('MAKEGOOD_NOT_YET', why, options);
  }
}

/** Thrown by every use of a broker, a reactor or a relay after it was closed. */
export class ChoreographyClosedError extends MakegoodError {
  constructor(what: string) {
    super('MAKEGOOD_CHOREOGRAPHY_CLOSED', `${what} is closed; open it anew to use it`);
  }
}

/** A broker could not take what it was given: nothing is known of whether others will see it. Publishing again is safe. */
export class PublishError extends MakegoodError {
  constructor(broker: string, why: string, options?: ErrorOptions) {
    super(
      'MAKEGOOD_PUBLISH_FAILED',
      `${broker} did not acknowledge: ${why}; publish again, consumers drop doubles`,
      options,
    );
  }
}

/** The data of an event are not what the reaction's schema asks for; trying again cannot help. */
export class ReactionRefusedError extends MakegoodError {
  constructor(why: string) {
    super('MAKEGOOD_EVENT_REFUSED', why);
  }
}
