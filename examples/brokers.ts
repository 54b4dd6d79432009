// What a broker's consumer is given, and what it answers; the same on Kafka, NATS, PostgreSQL and in memory.
import { deadLetterTopic, memoryBroker, redriven } from 'makegood/choreography';

// In a service: kafkaBroker({ kafka, bootstrapBrokers }), natsBroker({ nats, connection }) or postgresBroker({ pool }).
const broker = memoryBroker();
const seen: string[] = [];
const shelf = new Map([['tea', 3]]);

// #region consume
const subscription = await broker.subscribe({
  topic: 'orders',
  group: 'stock',
  concurrency: 8, // so many keys at once; one key's messages come one after the other
  async handle({ message, deliveries }) {
    seen.push(`${message.id} (${deliveries})`);
    if (message.value === 'busy' && deliveries === 1) return { verdict: 'again', afterMs: 20 };
    if (!shelf.has(message.value) && message.value !== 'busy') return { verdict: 'dead', reason: 'no such sku' };
    return { verdict: 'done' };
  },
});
// #endregion

// #region redrive
await broker.subscribe({
  topic: deadLetterTopic('orders'),
  group: 'people',
  async handle({ message }) {
    console.log(message.id, message.headers?.['makegood-reason']); // prints: 3 no such sku
    shelf.set('coffee', 1); // whatever had to be mended
    await broker.publish([redriven(message)]); // again for the group that gave it up, and for no other
    return { verdict: 'done' };
  },
});
// #endregion

// #region publish
await broker.publish([
  { topic: 'orders', key: 'order-7', id: '1', value: 'tea' },
  { topic: 'orders', key: 'order-7', id: '2', value: 'busy' },
  { topic: 'orders', key: 'order-8', id: '3', value: 'coffee' },
]); // durable when it resolves
// #endregion

while (seen.length < 5) await new Promise((resolve) => void setTimeout(resolve, 5));
console.log(seen.toSorted().join(', ')); // prints: 1 (1), 2 (1), 2 (2), 3 (1), 3 (1)

await subscription.close();
await broker.close();
