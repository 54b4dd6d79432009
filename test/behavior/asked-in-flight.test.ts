import { expect, test } from 'vitest';
import { type AppendCondition, memoryJournal, type Position } from '../../src/journal/index.ts';
import { type SagaRecord, saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { WatchedJournal } from '../../src/testing/watched-journal.ts';

/** A journal that may take long to hear that a signal is durable, and then refuses the start of `late`. */
class SlowJournal extends WatchedJournal {
  readonly arrived: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly answer: PromiseWithResolvers<void> = Promise.withResolvers();

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    if (sagaId === 'late') throw new Error('the disk is gone');
    const isSignal = records.some(({ type }) => type === 'signal-received');
    const position = await this.inner.append(sagaId, records, condition);
    if (isSignal) {
      this.arrived.resolve();
      await this.answer.promise;
    }
    return position;
  }
}

const approval = saga('approval').input<null>().wait('approved', { timeout: '1h' }).output();

/** A signal is on record, its sender has not heard of it, and the journal fails. */
async function signalInFlight() {
  const journal = new SlowJournal(memoryJournal());
  const tempo = await openTempo({ journal, sagas: [approval] });
  await tempo.start(approval, { id: 'asked', input: null });
  const sent = tempo.signal('asked', 'approved', null).then(
    () => 'sent',
    (error: unknown) => error,
  );
  await journal.arrived.promise;
  await expect(tempo.start(approval, { id: 'late', input: null })).rejects.toThrow('the disk is gone');
  return { tempo, journal, sent };
}

test('what is on its way when everything else is let go of is answered by what becomes of it: asked again it might hold twice', async () => {
  const { tempo, journal, sent } = await signalInFlight();
  journal.answer.resolve();
  expect(await sent).toBe('sent');
  expect((await tempo.history('asked')).filter(({ type }) => type === 'signal-received')).toHaveLength(1);
});

test('what is on its way and refused later is refused to whoever asked', async () => {
  const { journal, sent } = await signalInFlight();
  journal.answer.reject(new Error('nobody knows'));
  expect(await sent).toMatchObject({ message: 'nobody knows' });
});
