import type { Order } from './order.ts';
import type { Service } from './participant-call.ts';
import type { FaultCounts, FaultPlan } from './wire-faults.ts';

/** What a participant process is started with. */
export interface ParticipantConfig {
  readonly service: Service;
  /** Its SQLite file. */
  readonly path: string;
  readonly faults: FaultPlan;
}

/** What a participant tells the supervisor. */
export type FromParticipant =
  | { readonly type: 'listening'; readonly port: number }
  /** The last message: it has stopped cleanly. */
  | { readonly type: 'stopped'; readonly requests: number; readonly faults: FaultCounts };

/** What a coordinator process is started with. */
export interface CoordinatorConfig {
  readonly journal: string;
  /** Where the participants listen, on loopback. */
  readonly ports: Readonly<Record<Service, number>>;
  /** How many sagas may run at once. */
  readonly concurrency: number;
}

/** How a saga ended. */
export interface Ended {
  readonly id: string;
  readonly status: string;
}

/** What a coordinator tells the supervisor. */
export type FromCoordinator =
  | { readonly type: 'ready' }
  /** Sagas whose start is durable, and sagas that ended, since the last message. */
  | { readonly type: 'progress'; readonly accepted: readonly string[]; readonly ended: readonly Ended[] };

/** What the supervisor tells a child. `stop`: finish what runs and end; orders are for the coordinator alone. */
export type ToChild = { readonly type: 'stop' } | { readonly type: 'orders'; readonly orders: readonly Order[] };
