// A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, "Faster Algorithms for the Shortest Path Problem", JACM 37(2), 1990), made
// of linked lists. An alarm lies in the slot of the highest bit in which its tick differs from the last that came; when the
// first tick of a slot has come, its alarms move down into the slots of lower bits, or ring. Adding and taking back are
// O(1), an alarm moves at most once for each bit of its delay, and none of them allocates: alarms are linked to one another.
//
//   add → slot of a bit → (the first tick of the slot) → slot of a lower bit → … → rings
//
// Alarms of the same tick ring in the order in which they were added: they share their slot and keep their order in it.

/** A link of the list that the alarms of one slot form. */
export interface AlarmLink {
  next: AlarmLink | undefined;
  previous: AlarmLink | undefined;
}

/**
 * Something that waits for a moment. It carries its own links, so it can wait for one moment at a time; whoever
 * implements it begins with `tick = 0` and no links, and leaves all three alone.
 */
export interface Alarm extends AlarmLink {
  tick: number;
  /** The moment has come. An implementer keeps: it does not throw, or those behind it ring in a later turn. */
  ring(): void;
}

/** A list that begins and ends with itself. Nothing in it is due before `tick`: that of the first, taken back or not. */
interface Slot extends AlarmLink {
  tick: number;
}

const half = 2 ** 32;
/** A slot for each bit that two safe integers can differ in, and one for those that do not differ. */
const slotCount = 54;

/** Alarms by their tick; pure: it knows no clock, and ticks pass when it is told. */
export class AlarmQueue {
  private readonly slots: readonly Slot[] = Array.from({ length: slotCount }, emptySlot);
  private presentTick = 0;
  // What slots are counted from. It moves only with a slot that is emptied: were it to follow the present, alarms of one
  // tick, added at two moments, would lie in two slots, and the later one might ring first.
  private base = 0;
  /** How many alarms wait. */
  size = 0;

  /** Has `alarm` ring at `tick`, or at the next one when that is over. It must not be waiting already. */
  add(alarm: Alarm, tick: number): void {
    alarm.tick = Math.min(Math.max(tick, this.presentTick + 1), Number.MAX_SAFE_INTEGER);
    this.size += 1;
    this.place(alarm);
  }

  /** Takes an alarm back; does nothing when it does not wait. */
  remove(alarm: Alarm): void {
    const { next, previous } = alarm;
    if (next === undefined || previous === undefined) return;
    previous.next = next;
    next.previous = previous;
    alarm.next = alarm.previous = undefined;
    this.size -= 1;
  }

  /** The tick at which there may be something to do; nothing rings before it. `Infinity` when nothing waits. */
  get nextTick(): number {
    return this.size === 0 ? Infinity : this.firstSlot().tick;
  }

  /** Lets time pass up to and including `tick`; what is due rings, in order, and may add and remove alarms meanwhile. */
  advance(tick: number): void {
    while (this.nextTick <= tick) this.empty(this.firstSlot());
    this.presentTick = Math.max(tick, this.presentTick);
  }

  private firstSlot(): Slot {
    return this.slots.reduce((first, slot) => (slot.tick < first.tick ? slot : first));
  }

  private empty(slot: Slot): void {
    this.base = this.presentTick = slot.tick;
    for (let alarm = slot.next as Alarm; alarm !== slot; alarm = slot.next as Alarm) {
      this.remove(alarm);
      if (alarm.tick > slot.tick) this.add(alarm, alarm.tick);
      else alarm.ring();
    }
    // Only now: when one of them has thrown, the rest is still due.
    slot.tick = Infinity;
  }

  private place(alarm: Alarm): void {
    const slot = this.slots[highestDifferingBit(alarm.tick, this.base)] as Slot;
    slot.tick = Math.min(slot.tick, alarm.tick);
    const last = slot.previous as AlarmLink;
    last.next = slot.previous = alarm;
    alarm.previous = last;
    alarm.next = slot;
  }
}

function emptySlot(): Slot {
  const slot: Slot = { tick: Infinity, next: undefined, previous: undefined };
  slot.next = slot.previous = slot;
  return slot;
}

/** Counted from 1; 0 when they are equal. Bitwise operators take a number modulo 2^32, so each half is looked at by itself. */
function highestDifferingBit(left: number, right: number): number {
  const high = Math.floor(left / half) ^ Math.floor(right / half);
  return high === 0 ? 32 - Math.clz32(left ^ right) : 64 - Math.clz32(high);
}
