export { natsBroker, type NatsBrokerOptions } from './nats-broker.ts';
export type { NatsAccess, NatsModules } from './nats-clients.ts';
export { type NatsSagaFirstStoreOptions, openNatsSagaFirstStore } from './nats-saga-first-store.ts';
