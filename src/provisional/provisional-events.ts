/** What {@link openProvisionalLedger} tells its observer. */
export type ProvisionalEvent =
  /** The authority has overruled a decision; it is compensated now. */
  | {
      readonly type: 'provisional.conflict';
      readonly id: string;
      readonly key: string;
      readonly conflict: string;
      readonly epoch: number;
    }
  /** A compensation failed; it is tried again after `delayMs`. */
  | {
      readonly type: 'provisional.compensation-failed';
      readonly id: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: unknown;
    }
  /** A compensation has succeeded. */
  | { readonly type: 'provisional.compensated'; readonly id: string; readonly attempt: number }
  /** A compensation has failed for good: a person must decide. */
  | { readonly type: 'provisional.needs-human'; readonly id: string; readonly error: unknown };
