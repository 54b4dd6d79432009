/** A participant did something else than the protocol says. The message says what was expected and what was seen. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}
