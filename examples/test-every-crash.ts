// The process dies at every point of a saga's life, and the end is always the same.

import { constant } from 'makegood/backoff';
import { saga } from 'makegood/saga';
import { forEveryCrashPoint, scriptedParticipant } from 'makegood/testing';

const report = await forEveryCrashPoint(
  () => {
    const stock = scriptedParticipant();
    const bank = scriptedParticipant({ action: () => 'refuse' });
    const retry = { maxAttempts: 6, backoff: constant('1s'), retryable: () => true };
    const order = saga('order')
      .input<string>()
      .step('reserve', { run: stock.action, compensate: stock.compensation, retry })
      .step('charge', { run: bank.action, compensate: bank.compensation, retry })
      .output();
    return {
      sagas: [order],
      run: async (tempo) => (await tempo.start(order, { id: 'order-1', input: 'desk' })).outcome(),
      effects: () => ({ stock: stock.effects.audit([]), bank: bank.effects.audit([]) }),
    };
  },
  { deaths: 2 }, // the process that recovers dies too, at each of its own points
);
console.log(report.result.status, report.result.failure?.code); // prints: compensated REFUSED
console.log(report.crashes > 40); // prints: true
