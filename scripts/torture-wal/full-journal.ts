/** A journal on a real disk without room: what is new is refused, what runs ends, and all is well again by itself. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalFullError } from '../../src/journal/journal.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';

const note = 'x'.repeat(4000);
/** Within so long a log must be normal again (reliability goals). */
const recoversWithinMs = 5000;
const runningAtOnce = 12;

function mustBe(is: boolean, what: string): void {
  if (!is) throw new Error(what);
}

/** A saga whose second step waits for a word, then ends or fails as its input says. */
function gatedOrder(gates: (() => void)[], undone: Set<string>) {
  return saga('order')
    .input<{ readonly waits: boolean; readonly fails: boolean; readonly note: string }>()
    .step('reserve', { run: () => 'reserved', compensate: ({ sagaId }) => void undone.add(sagaId) })
    .step('charge', {
      run: async ({ input }) => {
        if (input.waits) await new Promise<void>((go) => gates.push(go));
        if (input.fails) throw new TerminalError('declined');
        return 'charged';
      },
      compensate: () => undefined,
    })
    .output();
}

/**
 * Runs sagas until the disk of `folder` is full, then ends those that run, in what is in reserve.
 *
 * @returns how many sagas ended before it was full.
 * @throws {Error} when a promise is broken, with the promise.
 */
export async function fillJournal(folder: string, ballast: string): Promise<number> {
  const log = `${folder}/journal`;
  const options = { segmentBytes: 256 * 1024, checkpointBytes: 512 * 1024 };
  const gates: (() => void)[] = [];
  const undone = new Set<string>();
  const order = gatedOrder(gates, undone);
  const statuses = new Map<string, string>();
  let ended = 0;
  {
    await using journal = await openWalJournal(log, options);
    await using tempo = await openTempo({ journal, sagas: [order] });
    const running = [];
    for (let number = 0; number < runningAtOnce; number++)
      running.push(
        await tempo.start(order, { id: `runs-${number}`, input: { waits: true, fails: number % 2 === 0, note } }),
      );
    const full = async (): Promise<boolean> => {
      try {
        const input = { waits: false, fails: ended % 3 === 0, note };
        const { status } = await (await tempo.start(order, { id: `came-${ended}`, input })).outcome();
        statuses.set(`came-${ended++}`, status);
        return false;
      } catch (error) {
        if (error instanceof JournalFullError) return true;
        throw error;
      }
    };
    while (!(await full()));
    mustBe(ended > 0, 'it was full before anything ended');
    for (const go of gates) go();
    for (const handle of running) statuses.set(handle.id, (await handle.outcome()).status);
    for (let number = 0; number < runningAtOnce; number++) {
      const wanted = number % 2 === 0 ? 'compensated' : 'completed';
      mustBe(
        statuses.get(`runs-${number}`) === wanted,
        `runs-${number} is ${statuses.get(`runs-${number}`)} on a full disk`,
      );
      mustBe(undone.has(`runs-${number}`) === (number % 2 === 0), `the step of runs-${number} was not undone`);
    }
    mustBe(await full(), 'a new saga was let in while the disk is full');
    await rm(ballast);
    const startedMs = performance.now();
    while (await full()) {
      mustBe(
        performance.now() - startedMs < recoversWithinMs,
        `new sagas are refused ${recoversWithinMs} ms after there was space`,
      );
      await sleep(50);
    }
  }
  await using again = await openWalJournal(log, options);
  for (const [id, status] of statuses) {
    const found = (await again.state(id))?.status;
    mustBe(found === status, `${id} was ${status} and is ${found} after opening again`);
  }
  return ended;
}
