import { http } from 'makegood/outbound';
import { memoryBarrier, participant } from 'makegood/participant';
import { saga, TerminalError } from 'makegood/saga';
import { remoteParticipants, testTempo } from 'makegood/testing';

interface Order {
  readonly sku: string;
  readonly cents: number;
}

// #region saga
const placeOrder = saga('place-order')
  .input<Order>()
  .step(
    'reserve',
    http<{ readonly shelf: string }>({
      url: 'http://inventory/reserve',
      compensateUrl: 'http://inventory/reserve',
      barrier: true, // refuses what comes after its undoing, so that undoing need not wait
    }),
  )
  .step(
    'charge',
    http({
      url: 'http://bank/charge',
      compensateUrl: { url: 'http://bank/charge', headers: { 'X-Priority': 'high' } },
      statusUrl: 'http://bank/charge',
      input: ({ input, results }) => ({ cents: input.cents, memo: results.reserve.shelf }),
      timeout: '5s',
    }),
  )
  .pivot('ship', http({ url: 'http://shipping/ship' }))
  .output(({ results }) => results.ship);
// #endregion

// #region test
const inventory = participant({
  barrier: memoryBarrier(),
  actions: { reserve: { run: () => ({ shelf: 'C7' }), compensate: () => console.log('back on the shelf') } },
});
const bank = participant({
  barrier: memoryBarrier(),
  actions: {
    charge: {
      run: () => {
        throw new TerminalError('no money', { code: 'DECLINED' });
      },
    },
  },
});
const caller = remoteParticipants(
  { 'http://inventory/': inventory, 'http://bank/': bank },
  { fault: (_call, number) => (number === 1 ? 'answer-lost' : undefined) },
);

await using tempo = await testTempo({ sagas: [placeOrder], caller });
const run = await tempo.start(placeOrder, { id: 'order-1', input: { sku: 'tea', cents: 700 } });
const { status, failure } = await tempo.until(run.outcome()); // prints: back on the shelf
console.log(status, failure?.code); // prints: compensated DECLINED
console.log(caller.calls.map(({ step, phase, attempt }) => `${step} ${phase} ${attempt}`).join(', '));
// prints: reserve action 1, reserve action 2, charge action 1, reserve compensation 1
// #endregion
