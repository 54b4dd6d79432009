export type { Authentication, Authenticator, Peer, Principal } from '../wire/authenticator.ts';
export type { Right } from '../wire/rights.ts';
export type { ServerEvent } from '../wire/server-event.ts';
export {
  type AttentionWebhook,
  attentionWebhook,
  attentionWebhookDefaults,
  type AttentionWebhookOptions,
} from './attention-webhook.ts';
export { type Handle, listen, type Listener, ListenError, type ListenOptions } from './listen.ts';
export { openServer, type Server, type ServerOptions } from './open-server.ts';
export type { Quota, Quotas } from './quotas.ts';
export type { ServerConfig } from './server-config.ts';
