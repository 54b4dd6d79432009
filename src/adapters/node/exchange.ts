import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { isMakegoodError } from '../../errors.ts';
import type { RemoteAnswer, RemoteCall } from '../../outbound/remote-caller.ts';
import { AnswerInParts } from './read-answer.ts';

/** What requests to one target are made with. */
export interface ExchangeParts {
  readonly agent: http.Agent | https.Agent;
  readonly lookup: LookupFunction;
}

/**
 * One request and what becomes of it:
 *
 *   begun ──► connected ──► answered ──► whole
 *     │           │             └──► cut off     (the status stands)
 *     │           └──► lost                      (bytes may have left)
 *     └──► not sent, forbidden                   (none did)
 *
 * It settles once, at the first end, and lets go of the connection then.
 */
class Exchange {
  private readonly call: RemoteCall;
  private readonly request: ClientRequest;
  private readonly settled: PromiseWithResolvers<RemoteAnswer> = Promise.withResolvers();
  private socket: Socket | undefined;
  /** Whether a byte of the request can have been written. */
  private mayBeSent = false;
  /** Bytes that earlier requests had written to the connection. */
  private writtenBefore = 0;
  private answer: AnswerInParts | undefined;
  private over = false;

  constructor(call: RemoteCall, { agent, lookup }: ExchangeParts) {
    this.call = call;
    const { url, method, headers, body } = call;
    const parsed = new URL(url);
    const all = { ...headers, 'Content-Length': String(Buffer.byteLength(body)) };
    const { request } = parsed.protocol === 'https:' ? https : http;
    this.request = request(parsed, { method, headers: all, agent, lookup });
    this.watch();
    // As text, Node sends it in one write with the head; as bytes, in a second, which took a quarter of a call.
    this.request.end(body);
  }

  get result(): Promise<RemoteAnswer> {
    return this.settled.promise;
  }

  private watch(): void {
    const { request } = this;
    const { signal } = this.call;
    const giveUp = (): void => this.fail('timeout', signal.reason);
    request.on('socket', (socket) => this.useSocket(socket));
    request.on('response', (message) => this.read(message));
    // An answer with "Upgrade" is none, and without a listener nobody would close the connection.
    request.on('upgrade', () => this.fail('reset', new Error('the participant wanted another protocol')));
    request.on('error', (error) => this.fail('reset', error));
    request.on('close', () => {
      signal.removeEventListener('abort', giveUp);
      this.fail('reset', new Error('the connection was closed before an answer'));
    });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  }

  private useSocket(socket: Socket): void {
    this.socket = socket;
    this.writtenBefore = this.request.reusedSocket ? socket.bytesWritten : 0;
    if (this.request.reusedSocket) {
      this.mayBeSent = true;
      return;
    }
    // Until then everything is kept back: TLS says of itself when it will take the request.
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect';
    socket.once(ready, () => {
      this.mayBeSent = true;
    });
  }

  /** Whether bytes of this request were written to a connection: then nobody knows what became of them. */
  private get wasSent(): boolean {
    if (!this.mayBeSent) return false;
    return !this.request.reusedSocket || (this.socket?.bytesWritten ?? Infinity) > this.writtenBefore;
  }

  private read(message: IncomingMessage): void {
    if (this.over) return void message.destroy();
    const answer = new AnswerInParts(message);
    this.answer = answer;
    message.on('data', (chunk: Uint8Array) => {
      if (!answer.take(chunk)) this.finish(answer.end(false));
    });
    message.on('end', () => this.finish(answer.end(message.complete), message.complete));
    // An error is followed by "close", and both mean that it broke off.
    message.on('error', () => this.finish(answer.end(false)));
    message.on('close', () => this.finish(answer.end(message.complete)));
  }

  private fail(reason: 'timeout' | 'reset', error: unknown): void {
    if (this.over) return;
    if (this.answer !== undefined) return this.finish(this.answer.end(false));
    if (isMakegoodError(error, 'MAKEGOOD_EGRESS_REFUSED')) return this.finish({ kind: 'forbidden', error });
    this.finish(this.wasSent ? { kind: 'lost', reason, error } : { kind: 'not-sent', error });
  }

  private finish(answer: RemoteAnswer, keepConnection = false): void {
    if (this.over) return;
    this.over = true;
    if (!keepConnection) this.request.destroy();
    this.settled.resolve(answer);
  }
}

/**
 * Makes one request of a call. Resolves with what became of it, by the time the call's signal aborts at the latest; never
 * rejects.
 */
export async function exchange(call: RemoteCall, parts: ExchangeParts): Promise<RemoteAnswer> {
  try {
    return await new Exchange(call, parts).result;
  } catch (error) {
    // What Node refuses to put into a request was not sent.
    return { kind: 'not-sent', error };
  }
}
