export { natsBroker, type NatsBrokerOptions } from './nats-broker.ts';
export type { NatsAccess, NatsModules } from './nats-clients.ts';
