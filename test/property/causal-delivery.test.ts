import { expect, test } from 'vitest';
import { walEntryLog } from '../../src/adapters/wal/index.ts';
import {
  advanceVector,
  type CausalDelivery,
  type CausalEntry,
  type CausalEvent,
  compareVectors,
  mergeVectors,
  openCausalDelivery,
  type VectorClock,
} from '../../src/causality/index.ts';
import { memoryFiles, type SeededRandom, seededRandom, testClock } from '../../src/testing/index.ts';

const producers = ['orders#1', 'stock#1', 'payments#1', 'mail#1'];

/** Events of producers that hear of each other now and then: a random history, in an order that respects it. */
function drawHistory(random: SeededRandom, scope: string, count: number): CausalEvent[] {
  const known = new Map<string, VectorClock>(producers.map((producer) => [producer, {}]));
  return Array.from({ length: count }, (_, index) => {
    const producer = producers[Math.floor(random() * producers.length)] as string;
    const other = producers[Math.floor(random() * producers.length)] as string;
    const heard = mergeVectors(known.get(producer) ?? {}, random() < 0.5 ? (known.get(other) ?? {}) : {});
    const vector = advanceVector(heard, producer);
    known.set(producer, vector);
    return { scope, id: `${scope}/${index}`, producer, vector, payload: { index } };
  });
}

/** A broker that reorders, repeats and loses; what is not acknowledged comes again. */
class Broker {
  readonly queue: CausalEvent[];
  readonly lost: CausalEvent[] = [];
  private readonly random: SeededRandom;

  constructor(events: readonly CausalEvent[], random: SeededRandom) {
    this.random = random;
    this.queue = [];
    for (const event of events) {
      if (random() < 0.1) this.lost.push(event);
      else this.queue.push(event);
      if (random() < 0.2) this.queue.push(event);
    }
  }

  take(): CausalEvent | undefined {
    return this.queue.splice(Math.floor(this.random() * this.queue.length), 1)[0];
  }

  sendAgain(scope: string, producer: string, from: number): void {
    const asked = (event: CausalEvent): boolean =>
      event.scope === scope && event.producer === producer && (event.vector[producer] ?? 0) >= from;
    this.queue.push(...this.lost.filter(asked));
    this.lost.splice(0, Infinity, ...this.lost.filter((event) => !asked(event)));
  }
}

/** Everything once, nothing before what it builds on. */
function check(seen: readonly CausalEvent[], history: readonly CausalEvent[]): void {
  const firsts = seen.filter((event, index) => seen.findIndex(({ id }) => id === event.id) === index);
  expect(firsts.map(({ id }) => id).toSorted()).toEqual(history.map(({ id }) => id).toSorted());
  firsts.forEach((event, index) => {
    for (const later of firsts.slice(index + 1))
      if (later.scope === event.scope) expect(compareVectors(later.vector, event.vector)).not.toBe('before');
  });
}

test('events that are reordered, repeated, lost and cut short by crashes are delivered in causal order, none is dropped', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed);
    const clock = testClock();
    const files = memoryFiles({ random: random.split('disk') });
    const scopes = ['saga-1', 'saga-2', 'saga-3'];
    const history = scopes.flatMap((scope) => drawHistory(random, scope, 30));
    const broker = new Broker(history, random.split('broker'));
    const seen: CausalEvent[] = [];
    const known = new Set<string>();
    const [maxEvents, crashRatio, failRatio] = [4 + Math.floor(random() * 20), random() * 0.05, random() * 0.2];
    let lives = 0;
    const open = (): Promise<CausalDelivery> => {
      const life = ++lives;
      return openCausalDelivery({
        log: walEntryLog<CausalEntry>('inbox', { purpose: 'inbox', files, segmentBytes: 8192, checkpointBytes: 4096 }),
        deliver: (event) => {
          if (life !== lives || random() < failRatio) throw new Error('the handler fails');
          seen.push(event);
          known.add(event.id);
        },
        resend: ({ scope, producer, from }) => broker.sendAgain(scope, producer, from),
        maxDeliveries: 1000,
        maxEvents,
        clock,
      });
    };
    let inbox = await open();
    for (let turn = 0; known.size < history.length || broker.queue.length > 0 || broker.lost.length > 0; turn++) {
      expect(turn, `seed ${seed} comes to an end`).toBeLessThan(5000);
      if (random() < crashRatio) {
        lives++;
        files.faults.powerFailsAt = files.operations + 1;
        await clock.settle();
        files.crash();
        inbox = await open();
      }
      const event = broker.take();
      if (event === undefined) {
        await clock.advance(30_000);
        // A last event that was lost has nothing behind it that shows the gap; its producer sends it again by itself.
        if (scopes.every((scope) => inbox.view(scope).held === 0)) broker.queue.push(...broker.lost.splice(0));
        continue;
      }
      const outcome = await inbox.accept(event).catch(() => 'failed' as const);
      if (outcome === 'refused' || outcome === 'failed') {
        broker.queue.push(event);
        await clock.advance(1000);
      }
      for (const scope of scopes) expect(inbox.view(scope).held).toBeLessThanOrEqual(maxEvents);
    }
    await clock.advance(1_000_000);
    check(seen, history);
    for (const scope of scopes) expect(inbox.view(scope).held).toBe(0);
    await inbox.close();
    expect(clock.pendingTimers, 'no timer is left').toBe(0);
  }
}, 60_000);
