import { MakegoodError } from '../errors.ts';

/** Thrown when a coordinator does not own a part of a shared journal any more: another goes on with its sagas, or will. */
export class ShardLostError extends MakegoodError {
  /** Which part; `undefined` when it is all that was owned. */
  readonly shard: number | undefined;

  constructor(shard: number | undefined, why: string, options?: ErrorOptions) {
    const what = shard === undefined ? 'every shard' : `shard ${shard}`;
    super('MAKEGOOD_SHARD_LOST', `${what} of this node is not its own any more: ${why}`, options);
    this.shard = shard;
  }
}
