import { MakegoodError } from '../errors.ts';

/** Thrown when a coordinator does not own a part of a shared journal any more: another goes on with its sagas, or will. */
export class ShardLostError extends MakegoodError {
  readonly shard: number;

  constructor(shard: number, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_SHARD_LOST', `shard ${shard} is not owned here any more: ${why}`, options);
    this.shard = shard;
  }
}
