export { openServer, type Server, type ServerOptions } from './open-server.ts';
export type { Authentication, Authenticator, Peer, Principal } from './principal.ts';
export type { Right } from '../wire/rights.ts';
export type { ServerEvent } from '../wire/server-event.ts';
