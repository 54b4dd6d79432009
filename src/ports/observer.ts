/** One thing that happened, as plain data: `type` names it, the other properties are its facts. */
export interface ObservedEvent {
  /** Dotted name such as `retry.scheduled`; the rooms that emit events list theirs. */
  readonly type: string;
}

/**
 * Is told what happens: attempts, retry decisions, records, recoveries. Called synchronously on the hot path, so it
 * should only note the event. What it throws is reported once as a warning and never reaches the observed operation.
 */
export type Observer<Event extends ObservedEvent = ObservedEvent> = (event: Event) => void;
