import { nodeCaller } from 'makegood/adapters/node';
import { memoryJournal } from 'makegood/journal';
import { http } from 'makegood/outbound';
import { saga } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';

// #region caller
await using caller = nodeCaller({ allow: ['public:443', 'inventory:8080', '10.20.0.0/16'] });
const order = saga('order')
  .input<{ readonly sku: string }>()
  .step('reserve', http({ url: 'http://inventory:8080/reserve', compensateUrl: 'http://inventory:8080/release' }))
  .output();
await using tempo = await openTempo({ journal: memoryJournal(), sagas: [order], caller });
// #endregion

const metadata = http({ url: 'http://169.254.169.254/latest', readOnly: true });
const hostile = saga('hostile').input<null>().step('steal', metadata).output();
try {
  tempo.register(hostile);
} catch (error) {
  console.log((error as Error).message);
  // prints: calls to "http://169.254.169.254" are not allowed: it is a link-local, multicast or reserved address, which is not on the list of allowed targets
}
