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
    }
  /** The journal was read; `sagas` unfinished ones go on, `blocked` ones lack their definition. */
  | {
      readonly type: 'tempo.recovered';
      readonly sagas: number;
      readonly blocked: number;
      readonly epoch: number;
      readonly elapsedMs: number;
    }
  /** The journal has failed; nothing more is accepted until the coordinator is opened again. */
  | { readonly type: 'tempo.failed'; readonly error: unknown };
