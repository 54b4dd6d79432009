/** A node that starts sagas and drives those of its shards until it is killed: `asked-once-owner.ts URL SCHEMA`. */
import process from 'node:process';
import { Ledger, openNode } from './cluster-world.ts';
import { retriedSaga } from './retried-saga.ts';

const [url = '', schema = ''] = process.argv.slice(2);
const retried = retriedSaga(new Ledger());
const node = await openNode(url, schema, { sagas: [retried], node: 'owner' });
for (let n = 0; n < 16; n++) await node.tempo.start(retried, { id: `order-${n}`, input: null });
process.send?.('ready');
