/** What of a webhook is signed. */
export interface SignedMessage {
  readonly id: string;
  /** When it is sent, in seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** Signs what is sent to a webhook: gives the value of its `Webhook-Signature`. */
export type SignWebhook = (message: SignedMessage) => string;
