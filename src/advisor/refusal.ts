declare const refused: unique symbol;

/** What nothing can be assigned to: stands where a program does not fit its facts, so that the compiler shows why. */
export interface Refusal<Message extends string> {
  /** Types only; nothing stands here at run time. */
  readonly [refused]: Message;
}
