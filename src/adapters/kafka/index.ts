export { kafkaBroker, type KafkaBrokerOptions } from './kafka-broker.ts';
export type { KafkaConnection, KafkaModule } from './kafka-clients.ts';
export { type KafkaSagaFirstStoreOptions, openKafkaSagaFirstStore } from './kafka-saga-first-store.ts';
