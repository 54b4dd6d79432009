import type { ObservedEvent, Observer } from '../ports/observer.ts';

/** An observer that keeps what it is told, see {@link recordingObserver}. */
export interface RecordingObserver<Event extends ObservedEvent = ObservedEvent> extends Observer<Event> {
  /** Every event so far, in order, as they were handed over. */
  readonly events: readonly Event[];
  /** The events of one type, in order. */
  ofType<Type extends Event['type']>(type: Type): Extract<Event, { readonly type: Type }>[];
  /** Forgets what was told so far. */
  clear(): void;
}

/**
 * An observer for tests: it collects the events it is told, to be looked at afterwards.
 *
 * @example
 * const observer = recordingObserver();
 * observer({ type: 'retry.scheduled', delayMs: 100 });
 * observer.ofType('retry.scheduled').length // => 1
 */
export function recordingObserver<Event extends ObservedEvent = ObservedEvent>(): RecordingObserver<Event> {
  const events: Event[] = [];
  const observe = (event: Event): void => void events.push(event);
  return Object.assign(observe, {
    events,
    ofType: <Type extends Event['type']>(type: Type) =>
      events.filter((event): event is Extract<Event, { readonly type: Type }> => event.type === type),
    clear: () => void events.splice(0),
  });
}
