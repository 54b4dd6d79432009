import type { ObservedEvent, Observer } from './observer.ts';

let warned = false;

/**
 * Tells an observer, if there is one. What it throws must not reach what it observes, so it becomes one warning.
 *
 * @internal
 */
export function notify<Event extends ObservedEvent>(observer: Observer<Event> | undefined, event: Event): void {
  if (observer === undefined) return;
  try {
    observer(event);
  } catch (error) {
    if (warned) return;
    warned = true;
    console.warn(`makegood: an observer threw on "${event.type}"; further throws are not shown`, error);
  }
}
