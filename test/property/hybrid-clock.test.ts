import { expect, test } from 'vitest';
import { walEntryLog } from '../../src/adapters/wal/index.ts';
import { compareHybrid, type HybridClock, type HybridTime, openHybridClock } from '../../src/causality/index.ts';
import { type Clock, systemClock } from '../../src/ports/index.ts';
import { memoryFiles, type MemoryFiles, type SeededRandom, seededRandom } from '../../src/testing/index.ts';

/** A machine whose clock does as it likes, and whose disk outlives its crashes. */
class Machine {
  offsetMs = 0;
  last: HybridTime = { wallMs: 0, logical: 0 };
  hybrid!: HybridClock;
  private readonly files: MemoryFiles;
  private readonly world: { nowMs: number };

  constructor(world: { nowMs: number }, random: SeededRandom) {
    this.world = world;
    this.files = memoryFiles({ random });
  }

  async open(): Promise<void> {
    const clock = this.clock();
    const log = walEntryLog<{ type: 'clock-bound'; key: string; upToMs: number }>('clock', {
      purpose: 'clock',
      files: this.files,
      segmentBytes: 8192,
    });
    this.hybrid = await openHybridClock({ log, clock });
  }

  /** Waiting takes no time here, but moves the time of the world. */
  private clock(): Clock {
    return {
      now: () => this.now,
      monotonicMs: () => this.world.nowMs,
      setTimer: (delayMs, callback) => {
        this.world.nowMs += Math.ceil(delayMs);
        systemClock.soon(callback);
      },
      clearTimer: () => undefined,
      soon: (callback) => systemClock.soon(callback),
    };
  }

  async crash(): Promise<void> {
    this.files.faults.powerFailsAt = this.files.operations + 1;
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((next) => systemClock.soon(next));
    this.files.crash();
    await this.open();
  }

  get now(): number {
    return Math.max(0, this.world.nowMs + this.offsetMs);
  }

  note(time: HybridTime): void {
    expect(compareHybrid(time, this.last)).toBeGreaterThan(0);
    this.last = time;
  }
}

interface Told {
  readonly aheadMs: number;
  skewed: number;
  crashes: number;
}

/** Machines that send each other moments, in any order, while `disturb` moves their clocks. */
async function exchange(
  seed: number,
  messages: number,
  disturb: (machine: Machine, random: SeededRandom) => void,
): Promise<Told> {
  const random = seededRandom(seed);
  const world = { nowMs: 1_700_000_000_000 };
  const machines = Array.from({ length: 5 }, (_, index) => new Machine(world, random.split(`disk ${index}`)));
  for (const machine of machines) await machine.open();
  const told = { aheadMs: 0, skewed: 0, crashes: 0 };
  const flying: HybridTime[] = [];
  const pick = (count: number): number => Math.floor(random() * count);
  for (let sent = 0; sent < messages; ) {
    const machine = machines[pick(machines.length)] as Machine;
    if (random() < 0.2) world.nowMs += pick(3);
    if (random() < 0.01) disturb(machine, random);
    if (random() < 0.0005) {
      await machine.crash();
      told.crashes++;
    }
    if (flying.length < 50 && random() < 0.5) {
      const time = await machine.hybrid.send();
      machine.note(time);
      flying.push(time);
      sent++;
    } else if (flying.length > 0) {
      const [message] = flying.splice(pick(flying.length), 1) as [HybridTime];
      const before = machine.now;
      const { time, skewed } = await machine.hybrid.receive(message);
      machine.note(time);
      expect(skewed).toBe(message.wallMs - before > 500);
      if (skewed) told.skewed++;
      else expect(compareHybrid(time, message)).toBeGreaterThan(0);
    }
    told.aheadMs = Math.max(told.aheadMs, machine.last.wallMs - machine.now);
  }
  return told;
}

test('150,000 messages between clocks 200 ms apart: an effect is always later than its cause, also after crashes', async () => {
  const told = await exchange(1, 150_000, (machine, random) => (machine.offsetMs = Math.floor(random() * 400) - 200));
  expect(told.skewed).toBe(0);
  expect(told.crashes).toBeGreaterThan(50);
  // The fastest clock is at most 400 ms ahead of the slowest, and nobody is ahead of the fastest.
  expect(told.aheadMs).toBeLessThanOrEqual(400);
}, 60_000);

test('clocks that jump by hours, back and ahead: moments only grow, and what is too far ahead is marked', async () => {
  for (let seed = 2; seed < 6; seed++) {
    const told = await exchange(seed, 3000, (machine, random) => {
      machine.offsetMs = Math.floor((random() - 0.5) * 10 ** Math.floor(random() * 8));
    });
    expect(told.skewed).toBeGreaterThan(0);
  }
});
