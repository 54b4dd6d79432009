/** The coordinator as a process: Tempo on a write-ahead log. Started, and with `--kill` killed, by the supervisor. */
import { openWalJournal } from '../../journal/wal-journal.ts';
import { openTempo } from '../../tempo/open-tempo.ts';
import { openParticipantClient } from './call-participant.ts';
import type { CoordinatorConfig, Ended } from './messages.ts';
import type { Order } from './order.ts';
import { placeOrderSaga } from './place-order.ts';
import { childConfig, onOrders, onStop, tellParent } from './process-child.ts';

/** What happened since the last message: one message a turn of the event loop carries it all. */
class ProgressMessages {
  private accepted: string[] = [];
  private ended: Ended[] = [];
  private scheduled = false;

  noteAccepted(id: string): void {
    this.accepted.push(id);
    this.schedule();
  }

  noteEnded(ended: Ended): void {
    this.ended.push(ended);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      const { accepted, ended } = this;
      this.accepted = [];
      this.ended = [];
      void tellParent({ type: 'progress', accepted, ended });
    });
  }
}

const config = childConfig() as CoordinatorConfig;
const participants = openParticipantClient(config.ports);
const placeOrder = placeOrderSaga(participants.call);
const tempo = await openTempo({
  journal: await openWalJournal(config.journal),
  sagas: [placeOrder],
  concurrency: config.concurrency,
  // It is the demo that kills the process, again and again, and no handler.
  crashLimit: Infinity,
});
const progress = new ProgressMessages();

/** Starts an order, or finds it again after a restart; both are the same call. */
async function place(order: Order): Promise<void> {
  const run = await tempo.start(placeOrder, { id: order.id, input: order });
  progress.noteAccepted(order.id);
  const { status } = await run.outcome();
  progress.noteEnded({ id: order.id, status });
}

onOrders((orders) => {
  // A start that fails is not survivable here; the unhandled rejection ends the process and the supervisor reports it.
  for (const order of orders) void place(order);
});
onStop(async () => {
  await tempo[Symbol.asyncDispose]();
  participants.close();
});
void tellParent({ type: 'ready' });
