/** What a service's reaction to one type of event is, as data. */
export interface ReactionDescription {
  readonly on: string;
  readonly emits: readonly string[];
  readonly compensateOn: readonly string[];
}

/** What a service's reactor is, as data: what operators need to tell its part of a saga from events. */
export interface ReactorDescription {
  readonly service: string;
  readonly reactions: readonly ReactionDescription[];
}

/** A choreography as a whole, which no service has: who takes part in it, how it begins and how it ends. */
export interface ChoreographyPlan {
  /** Shown as the name of its sagas. */
  readonly name: string;
  /** The type of event that begins a saga. */
  readonly begins: string;
  /** The types of events that complete one. Default: it is complete when every reaction that was asked for is done. */
  readonly completes?: readonly string[];
  readonly services: readonly ReactorDescription[];
}
