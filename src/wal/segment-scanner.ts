import type { OpenFile } from '../ports/files.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { readWhole } from './whole-io.ts';

const chunkBytes = 4 * 1024 * 1024;

/** A window that slides over a file, so that a log of any length is read in bounded memory. */
export class SegmentScanner {
  frame: FrameBuffer;
  private readonly fileBytes: number;
  private file: OpenFile | undefined;
  private path = '';
  private start = 0;
  private end = 0;

  constructor(fileBytes: number) {
    this.fileBytes = fileBytes;
    this.frame = new FrameBuffer(Math.min(chunkBytes, fileBytes));
  }

  /** Turns to another file. */
  use(file: OpenFile, path: string): void {
    this.file = file;
    this.path = path;
    this.start = 0;
    this.end = 0;
  }

  has(offset: number, length: number): boolean {
    return offset >= this.start && offset + length <= this.end;
  }

  /** Sees to it that the bytes from `offset` on are in the window. Both are multiples of 8, and lie within the file. */
  async load(offset: number, length: number): Promise<void> {
    const kept = offset >= this.start && offset < this.end ? this.end - offset : 0;
    const previous = this.frame.bytes.subarray(offset - this.start, offset - this.start + kept);
    if (length > this.frame.bytes.length) this.frame = new FrameBuffer(length);
    this.frame.bytes.set(kept > 0 ? previous : [], 0);
    const wanted = Math.min(this.frame.bytes.length, this.fileBytes - offset) - kept;
    const file = this.file as OpenFile;
    const count = await readWhole(file, this.path, this.frame.bytes, kept, wanted, offset + kept);
    this.start = offset;
    this.end = offset + kept + count;
    if (this.end - offset < length) throw new Error(`"${this.path}" became shorter while it was read`);
  }

  /** Where in the window a byte of the file stands. */
  at(offset: number): number {
    return offset - this.start;
  }

  /** Offset behind the last byte in the window. */
  get loadedEnd(): number {
    return this.end;
  }
}
