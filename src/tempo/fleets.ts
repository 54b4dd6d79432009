import type { Journal } from '../journal/journal.ts';
import type { SharedJournal } from '../journal/shared-journal.ts';
import { notify } from '../ports/notify.ts';
import { Fleet, type FleetParts } from './fleet.ts';

/** Which sagas a coordinator drives, and with which fleet. */
export interface Fleets {
  readonly journal: Journal;
  /** Present when other coordinators may drive what this one does not. */
  readonly shared: SharedJournal | undefined;
  /** Whether no more work is taken. */
  readonly draining: boolean;
  /** The fleet that drives a saga of this id; `undefined` when another coordinator does, or nobody yet. */
  of(id: string): Fleet | undefined;
  all(): Iterable<Fleet>;
  /** Takes up what is unfinished. */
  recover(): Promise<void>;
  /** Takes no more work; resolves when every attempt in flight has its outcome on record. */
  drain(): Promise<void>;
  /** Drains, lets go of every saga, and closes the journal. */
  close(): Promise<void>;
}

/** The one fleet of a coordinator that has its journal for itself. */
export class SoleFleet implements Fleets {
  readonly journal: Journal;
  readonly shared: undefined;
  private readonly fleet: Fleet;

  constructor(parts: FleetParts) {
    this.journal = parts.journal;
    this.fleet = new Fleet(parts);
  }

  get draining(): boolean {
    return this.fleet.draining;
  }

  of(): Fleet {
    return this.fleet;
  }

  all(): Iterable<Fleet> {
    return [this.fleet];
  }

  async recover(): Promise<void> {
    const { clock, observer, journal } = this.fleet;
    const startedMs = clock.monotonicMs();
    const found = await this.fleet.recover();
    const elapsedMs = clock.monotonicMs() - startedMs;
    notify(observer, { type: 'tempo.recovered', ...found, epoch: journal.epoch, elapsedMs });
    this.fleet.proceed();
  }

  drain(): Promise<void> {
    return this.fleet.drain();
  }

  close(): Promise<void> {
    return this.fleet.close();
  }
}
