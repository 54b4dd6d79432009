/**
 * The bound: the least a durable log can do. Frames of raw bytes, no checksum, no index, no recovery; two buffers, one
 * write in flight on an O_DSYNC descriptor of a zero-filled file, everything that came in meanwhile goes with the next.
 */
import { closeSync, constants, openSync, write, writeSync } from 'node:fs';

export interface BareLog {
  append(record: Uint8Array): Promise<void>;
  close(): void;
}

const bufferBytes = 4 << 20;

export function openBareLog(path: string, bytes: number): BareLog {
  const create = openSync(path, 'w');
  const zeros = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes; at += zeros.length) writeSync(create, zeros, 0, zeros.length, at);
  closeSync(create);
  const file = openSync(path, constants.O_RDWR | constants.O_DSYNC);
  let [filling, writing] = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)];
  let [used, position, flushing] = [0, 0, false];
  let waiting: (() => void)[] = [];

  const flush = (): void => {
    flushing = false;
    if (used === 0) return;
    flushing = true;
    const [length, waiters] = [used, waiting];
    [filling, writing] = [writing, filling];
    [used, waiting] = [0, []];
    write(file, writing, 0, length, position, (error) => {
      if (error !== null) throw error;
      position += length;
      for (const resolve of waiters) resolve();
      setImmediate(flush);
    });
  };

  return {
    append(record) {
      if (used + record.length + 4 > bufferBytes) throw new RangeError('the batch is larger than the bound allows');
      filling.writeUInt32LE(record.length, used);
      filling.set(record, used + 4);
      used += record.length + 4;
      return new Promise((resolve) => {
        waiting.push(resolve);
        if (flushing) return;
        flushing = true;
        setImmediate(flush);
      });
    },
    close: () => closeSync(file),
  };
}
