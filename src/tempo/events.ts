import type { AttentionItem } from './attention-item.ts';
import type { SagaRecord } from '../saga/record.ts';

/** What a coordinator tells its observer. */
export type SagaEvent =
  /** A record of a saga is durable. */
  | {
      readonly type: 'saga.record';
      readonly sagaId: string;
      readonly sagaName: string;
      /** When the saga was accepted, ms since 1970; `headers` are those it was started with. Both outlive a restart. */
      readonly startedAt: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly record: SagaRecord;
      /** Where it stands in the journal. */
      readonly position: number;
    }
  /** A call ended after its outcome had ceased to matter: the attempt had timed out, or another had taken its place. */
  | {
      readonly type: 'saga.stale-outcome';
      readonly sagaId: string;
      readonly sagaName: string;
      readonly outcome: string;
    }
  /** A remote participant did what it was asked to, but its answer could not be taken as the step's output. */
  | {
      readonly type: 'saga.answer-unusable';
      readonly sagaId: string;
      readonly sagaName: string;
      readonly step: string;
      readonly attempt: number;
      readonly warning: string;
    }
  /** A person is needed: told at once, and again every `realertAfter` until somebody has decided. */
  | { readonly type: 'attention.raised'; readonly item: AttentionItem; readonly repeated: number }
  /** The journal was read; `sagas` unfinished ones go on, `blocked` ones lack their definition. */
  | {
      readonly type: 'tempo.recovered';
      readonly sagas: number;
      readonly blocked: number;
      readonly epoch: number;
      readonly elapsedMs: number;
    }
  /** A saga of an unknown definition, or of one with another structure, was found; it waits, and its deadline runs. */
  | { readonly type: 'tempo.blocked'; readonly sagaId: string; readonly sagaName: string; readonly version: string }
  /** A saga was found with a record that cannot be read: `seq`, where it stands and why. It is left alone, all others go on. */
  | {
      readonly type: 'tempo.unreadable';
      readonly sagaId: string;
      readonly sagaName: string;
      readonly seq: number;
      readonly reason: string;
    }
  /** A part of a shared journal is this coordinator's: `sagas` unfinished ones go on here, `blocked` ones lack their definition. */
  | {
      readonly type: 'tempo.shard-opened';
      readonly shard: number;
      readonly epoch: number;
      readonly sagas: number;
      readonly blocked: number;
      readonly elapsedMs: number;
    }
  /** It was handed over: everything in hand is on record, and another goes on. */
  | {
      readonly type: 'tempo.shard-handed-over';
      readonly shard: number;
      readonly sagas: number;
      readonly blocked: number;
    }
  /** It was lost while it was worked on: the lease was over, or what was written was refused; another goes on. */
  | {
      readonly type: 'tempo.shard-lost';
      readonly shard: number;
      readonly sagas: number;
      readonly blocked: number;
      readonly error: unknown;
    }
  /** The journal has failed; nothing more is accepted until the coordinator is opened again. */
  | { readonly type: 'tempo.failed'; readonly error: unknown };
