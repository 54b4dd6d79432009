/**
 * What one consumer has of one scope: how far it has delivered, and the events that came too early. Pure: no clock, no IO.
 *
 * An event of producer p may be delivered when it is the next of p and everything else it builds on has been delivered:
 * `V[p] = D[p] + 1`, and `V[k] ≤ D[k]` for all other k; then `D[p]` becomes `V[p]`. `V[p] ≤ D[p]` is a duplicate.
 *
 * An early event waits for the first count that it lacks, and is looked at again when that is reached: a delivery costs as
 * many looks as events were waiting for it, not as many as are held.
 *
 * Source: Birman, Schiper, Stephenson, "Lightweight Causal and Atomic Group Multicast", ACM TOCS 9(3), 1991, section 4.
 */
import { type CausalEvent, sequenceOf } from './causal-event.ts';
import { type VectorClock, vectorCount, vectorOf } from './vector-clock.ts';

/** What is to be done with an event that has arrived. */
export type Arrival = 'ready' | 'early' | 'duplicate';

/** Events that something held waits for, and that have not come: `from` to `to` of a producer, both included. */
export interface CausalGap {
  readonly producer: string;
  readonly from: number;
  readonly to: number;
}

/** An event that came too early. */
export interface HeldEvent {
  readonly event: CausalEvent;
  readonly bytes: number;
}

interface Need {
  readonly producer: string;
  readonly count: number;
}

function placeOf(producer: string, count: number): string {
  return `${count} ${producer}`;
}

/** The deliveries of one scope. */
export class CausalScope {
  heldBytes = 0;
  private readonly delivered = new Map<string, number>();
  private readonly held = new Map<string, HeldEvent>();
  private readonly waiting = new Map<string, CausalEvent[]>();
  private readonly ready: CausalEvent[] = [];

  get heldCount(): number {
    return this.held.size;
  }

  /** How far it has delivered. */
  get vector(): VectorClock {
    return vectorOf(this.delivered);
  }

  heldEvents(): readonly HeldEvent[] {
    return [...this.held.values()];
  }

  judge(event: CausalEvent): Arrival {
    const sequence = sequenceOf(event);
    if (sequence <= this.countOf(event.producer)) return 'duplicate';
    if (this.held.has(placeOf(event.producer, sequence))) return 'duplicate';
    return this.needOf(event) === undefined ? 'ready' : 'early';
  }

  /** Keeps an event that came too early. */
  hold(event: CausalEvent, bytes: number): void {
    const place = placeOf(event.producer, sequenceOf(event));
    if (this.held.has(place) || sequenceOf(event) <= this.countOf(event.producer)) return;
    this.held.set(place, { event, bytes });
    this.heldBytes += bytes;
    this.await(event);
  }

  /** An event has been delivered, or is to be treated as if it had been. */
  note(producer: string, sequence: number): void {
    for (let count = this.countOf(producer) + 1; count <= sequence; count++) {
      const place = placeOf(producer, count);
      this.delivered.set(producer, count);
      this.heldBytes -= this.held.get(place)?.bytes ?? 0;
      this.held.delete(place);
      const waited = this.waiting.get(place);
      this.waiting.delete(place);
      waited?.forEach((event) => this.await(event));
    }
  }

  /** The next held event that may be delivered; it is held until `note`. */
  nextReady(): CausalEvent | undefined {
    for (;;) {
      const event = this.ready[0];
      // One that was delivered in another way, or given up, is not held any more.
      if (event === undefined || this.held.has(placeOf(event.producer, sequenceOf(event)))) return event;
      this.ready.shift();
    }
  }

  /** What has to come for the held events to be delivered. */
  gaps(): CausalGap[] {
    const needed = new Map<string, number>();
    for (const { event } of this.held.values())
      for (const { producer, count } of this.needsOf(event))
        needed.set(producer, Math.max(needed.get(producer) ?? 0, count));
    const gaps: CausalGap[] = [];
    for (const [producer, to] of needed) {
      let from = this.countOf(producer) + 1;
      while (from <= to && this.held.has(placeOf(producer, from))) from++;
      if (from <= to) gaps.push({ producer, from, to });
    }
    return gaps;
  }

  private countOf(producer: string): number {
    return this.delivered.get(producer) ?? 0;
  }

  private await(event: CausalEvent): void {
    const need = this.needOf(event);
    if (need === undefined) {
      this.ready.push(event);
      return;
    }
    const place = placeOf(need.producer, need.count);
    const waiting = this.waiting.get(place);
    if (waiting === undefined) this.waiting.set(place, [event]);
    else waiting.push(event);
  }

  private needOf(event: CausalEvent): Need | undefined {
    for (const need of this.needsOf(event)) return need;
    return undefined;
  }

  private *needsOf({ producer, vector }: CausalEvent): Generator<Need> {
    for (const other of Object.keys(vector)) {
      const count = vectorCount(vector, other) - (other === producer ? 1 : 0);
      if (count > this.countOf(other)) yield { producer: other, count };
    }
  }
}
