import type { Order } from './order.ts';
import type { FromCoordinator, FromParticipant, ToChild } from './messages.ts';

/**
 * Reads what this child process was started with, and ties its life to its parent's: when the channel to the parent
 * closes, however the parent died, the child ends too. Ctrl-C reaches the whole process group, so it is left to the
 * parent to decide what happens then.
 */
export function childConfig(): unknown {
  const text = process.argv[2];
  if (text === undefined || process.send === undefined) {
    throw new TypeError('Expected to be started by `makegood demo`, with a configuration and a channel to it');
  }
  process.on('disconnect', () => process.exit(1));
  process.on('SIGINT', () => undefined);
  return JSON.parse(text);
}

/** Sends a message to the parent; resolves once it is handed over. A parent that is gone is not told. */
export function tellParent(message: FromParticipant | FromCoordinator): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}

/** Runs `onOrders` for each batch of orders that the parent sends. */
export function onOrders(take: (orders: readonly Order[]) => void): void {
  process.on('message', (message: ToChild) => {
    if (message.type === 'orders') take(message.orders);
  });
}

/** Runs `finish` when the parent says stop, then ends the process. */
export function onStop(finish: () => Promise<void>): void {
  process.on('message', (message: ToChild) => {
    if (message.type !== 'stop') return;
    void finish().then(() => process.exit(0));
  });
}
