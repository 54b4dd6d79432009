import type { CausalDeliveryEvent } from '../../causality/causality-events.ts';
import type { ChoreographyEvent } from '../../choreography/choreography-events.ts';
import type { FallbackEvent } from '../../guards/fallback.ts';
import type { GuardEvent } from '../../guards/guard-events.ts';
import type { HedgeEvent } from '../../guards/hedge.ts';
import type { TimeoutEvent } from '../../guards/timeout.ts';
import type { IdempotencyEvent } from '../../idempotency/idempotency-events.ts';
import type { JournalEvent } from '../../journal/journal-events.ts';
import type { ProvisionalEvent } from '../../provisional/provisional-events.ts';
import type { RetryEvent } from '../../retry/retry-events.ts';
import type { SagaFirstEvent } from '../../saga-first/saga-first-events.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import type { WalEvent } from '../../wal/wal-events.ts';
import type { WalStoreEvent } from '../wal/wal-store-events.ts';
import type { ServerEvent } from '../../wire/server-event.ts';

/** What logs, and what stands on them, tell. */
type DiskEvent = WalEvent | JournalEvent | WalStoreEvent;

/** Every event that makegood tells an observer. */
export type TelemetryEvent =
  | DiskEvent
  | RetryEvent
  | GuardEvent
  | TimeoutEvent
  | HedgeEvent
  | FallbackEvent
  | IdempotencyEvent
  | CausalDeliveryEvent
  | ProvisionalEvent
  | SagaEvent
  | SagaFirstEvent
  | ServerEvent
  | ChoreographyEvent;

/** What guards tell, and whatever else surrounds a call. */
export type GuardTold = Exclude<
  Exclude<TelemetryEvent, DiskEvent>,
  | RetryEvent
  | IdempotencyEvent
  | CausalDeliveryEvent
  | ProvisionalEvent
  | SagaEvent
  | ServerEvent
  | SagaFirstEvent
  | ChoreographyEvent
>;
