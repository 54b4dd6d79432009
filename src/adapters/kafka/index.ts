export { kafkaBroker, type KafkaBrokerOptions } from './kafka-broker.ts';
export type { KafkaConnection, KafkaModule } from './kafka-clients.ts';
