import type { TimerHandle } from '../ports/clock.ts';
import type { PlacedRecord, Position } from '../journal/journal.ts';
import { recordView } from '../wire/views.ts';
import type { ServerParts } from './route.ts';
import type { RecordEvent } from './saga-feed.ts';

/** What one watcher wants to see. */
export interface Watch {
  /** Only this saga's records. */
  readonly sagaId: string | undefined;
  /** Begin behind this place; `undefined`: with what comes now. */
  readonly after: Position | undefined;
  /** Whether a saga is one that the watcher may see. */
  readonly shows: (sagaId: string) => boolean;
  readonly payloads: boolean;
  /** Whether the credential still holds; asked now and then. */
  readonly stillAllowed: () => boolean;
}

/** Reads what was written before; called once what comes meanwhile is being kept, so that nothing falls between. */
export type ReadPast = () => AsyncIterable<PlacedRecord> | Promise<Iterable<PlacedRecord>>;

// Often enough that a credential taken back ends its stream within 5 s, and that no proxy takes the stream for dead.
const beatMs = 4000;
/** What may wait for a slow reader; one that falls behind by more is cut off, and comes back with the id of its last event. */
const mostWaitingBytes = 1024 * 1024;

const encoder = new TextEncoder();

/** One watcher's stream: what was written before is read from the log while what comes meanwhile waits behind it. */
class EventStream {
  private readonly server: ServerParts;
  private readonly watch: Watch;
  private readonly readPast: ReadPast;
  /** Records that came while the past was read; `undefined` once it has been. */
  private meanwhile: PlacedRecord[] | undefined = [];
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  private stopListening: (() => void) | undefined;
  private beat: TimerHandle;
  private readonly end = (): void => this.close();

  constructor(server: ServerParts, watch: Watch, readPast: ReadPast) {
    this.server = server;
    this.watch = watch;
    this.readPast = readPast;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller;
    this.stopListening = this.server.feed.listen(this.watch.sagaId, (event) => this.hear(event));
    this.server.closing.addEventListener('abort', this.end, { once: true });
    this.write('retry: 1000\n\n');
    this.rearm();
    this.replay().catch(this.end);
  }

  cancel(): void {
    this.controller = undefined;
    this.close();
  }

  private async replay(): Promise<void> {
    let last = this.watch.after ?? -1;
    for await (const placed of await this.readPast()) {
      last = placed.position;
      this.show(placed);
      // What is replayed is read as fast as it is taken.
      while (this.controller !== undefined && (this.controller.desiredSize ?? 0) < 0) await this.pause();
      if (this.controller === undefined) return;
    }
    const { meanwhile } = this;
    this.meanwhile = undefined;
    for (const placed of meanwhile ?? []) if (placed.position > last) this.show(placed);
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => this.server.clock.setTimer(10, resolve));
  }

  private hear({ position, sagaId, record }: RecordEvent): void {
    if (!this.watch.shows(sagaId)) return;
    const placed = { position, sagaId, record };
    if (this.meanwhile === undefined) this.show(placed);
    else this.meanwhile.push(placed);
  }

  private show(placed: PlacedRecord): void {
    const { record, position, sagaId } = placed;
    if (!this.watch.shows(sagaId)) return;
    const data = JSON.stringify(recordView(placed, this.watch.payloads));
    this.write(`id: ${position}\nevent: ${record.type}\ndata: ${data}\n\n`);
  }

  private write(text: string): void {
    const { controller } = this;
    if (controller === undefined) return;
    controller.enqueue(encoder.encode(text));
    if (this.meanwhile === undefined && (controller.desiredSize ?? 0) < -mostWaitingBytes) this.close();
  }

  private rearm(): void {
    this.beat = this.server.clock.setTimer(beatMs, () => {
      if (!this.watch.stillAllowed()) return this.close();
      this.write(': here\n\n');
      if (this.controller !== undefined) this.rearm();
    });
  }

  private close(): void {
    this.stopListening?.();
    this.server.closing.removeEventListener('abort', this.end);
    this.server.clock.clearTimer(this.beat);
    const { controller } = this;
    this.controller = undefined;
    controller?.close();
  }
}

/** A stream of server-sent events (WHATWG HTML, "Server-sent events"), which ends when the server does. */
export function eventStream(server: ServerParts, watch: Watch, readPast: ReadPast): ReadableStream<Uint8Array> {
  const strategy = { highWaterMark: 64 * 1024, size: (chunk: Uint8Array | undefined) => chunk?.length ?? 0 };
  return new ReadableStream(new EventStream(server, watch, readPast), strategy);
}
