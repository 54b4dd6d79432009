/** A process that makes one saga-first call and kills itself at a point: `caller.ts <url> <point> <compensation>`. */
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { openPostgresSagaFirstStore } from '../../../src/adapters/postgres/index.ts';
import { sagaFirst, type SagaFirstStore } from '../../../src/saga-first/index.ts';
import { TerminalError } from '../../../src/saga/index.ts';
import { charge, refund } from './bank.ts';

const [url = '', point = '', compensation = ''] = process.argv.slice(2);
const id = `${point}-${compensation}/charge`;
const me = randomUUID();

/** As `kill -9` from outside, at a place that only the inside can name. */
function dieAt(here: string): void {
  if (here === point) process.kill(process.pid, 'SIGKILL');
}

/** The store, with a place before and after each write. */
function withPoints(store: SagaFirstStore): SagaFirstStore {
  const append: SagaFirstStore['append'] = async (step, draft, seq) => {
    dieAt(`before-${draft.type}`);
    const written = await store.append(step, draft, seq);
    dieAt(`after-${draft.type}`);
    return written;
  };
  const register: SagaFirstStore['register'] = async (...args) => {
    const written = await store.register(...args);
    dieAt('after-registered');
    return written;
  };
  return Object.assign(Object.create(store) as SagaFirstStore, { append, register });
}

const pool = new Pool({ connectionString: url });
const undo = async ({ id: step }: { readonly id: string }): Promise<void> => {
  dieAt('before-refund');
  await refund(pool, step, me);
  dieAt('after-refund');
};
const calls = sagaFirst({
  store: withPoints(await openPostgresSagaFirstStore({ pool })),
  compensations: { refund: { compensate: undo }, 'refund-or-ask': { compensate: undo } },
  channel: 'synchronous',
  timeout: '500ms',
  maxFlight: 0,
});
const fails = /triggered|refund$/.test(point) || point === 'before-compensated';
await calls.run(
  async () => {
    dieAt('before-charge');
    const receipt = await charge(pool, id, me);
    dieAt('after-charge');
    if (fails) throw new TerminalError('the answer was lost');
    return receipt;
  },
  { name: compensation },
  { id },
);
