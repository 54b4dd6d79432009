import type { BrokerMessage } from './broker.ts';

interface Waiting {
  readonly messages: readonly BrokerMessage[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends messages in their order: one request is in flight, what comes meanwhile waits together for the next. So the price of
 * a request is shared by all who publish at the same time, and nothing overtakes.
 */
export class PublishQueue {
  private readonly send: (messages: readonly BrokerMessage[]) => Promise<void>;
  private waiting: Waiting[] = [];
  private working: Promise<void> | undefined;

  constructor(send: (messages: readonly BrokerMessage[]) => Promise<void>) {
    this.send = send;
  }

  /** Rejects with what its request was refused with; who was in another request does not notice. */
  publish(messages: readonly BrokerMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ messages, resolve, reject });
      this.working ??= this.work();
    });
  }

  /** Resolves when everything that was given is sent, or has failed. */
  async idle(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.send(batch.flatMap(({ messages }) => messages));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.working = undefined;
  }
}
