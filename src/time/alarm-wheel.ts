// A hierarchical timing wheel (Varghese, Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987). Six levels of 32
// slots: a slot of level 0 is one tick, one of level 1 is 32 ticks, and so on; the level of an alarm is that of the
// highest five bits in which its tick differs from the present one. Adding, taking back and ringing are O(1), however
// many wait, and none of them allocates: alarms are linked to one another.
//
//   add → slot of level 0…5, or far → (its slot begins) → slot of a lower level → … → rings
//
// Alarms of the same tick ring in the order in which they were added: until their common slot begins they share it.

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
  /** The moment has come. An implementer keeps: it does not throw, or those behind it ring a tick late. */
  ring(): void;
}

const bitsOfLevel = 5;
const slotsOfLevel = 2 ** bitsOfLevel;
const levels = 6;
/** How many ticks the six levels reach; what lies beyond waits in a list of its own, which is sorted when they are over. */
const era = 2 ** (bitsOfLevel * levels);

/** Alarms by their tick; pure: it knows no clock, and ticks pass when it is told. */
export class AlarmWheel {
  private readonly slots: readonly AlarmLink[] = Array.from({ length: levels * slotsOfLevel }, emptyList);
  private readonly far = emptyList();
  private readonly due = emptyList();
  // A bit for each slot that may hold an alarm; one whose last alarm was taken back keeps its bit until it is over.
  private readonly occupied: number[] = Array.from({ length: levels }, () => 0);
  private presentTick = 0;
  private nextEra = era;
  /** How many alarms wait. */
  size = 0;

  /** Has `alarm` ring at `tick`, or at the next one when that is over. It must not be waiting already. */
  add(alarm: Alarm, tick: number): void {
    alarm.tick = Math.max(tick, this.presentTick + 1);
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
    if (this.size === 0) return Infinity;
    // One of those that were due has thrown.
    if (this.due.next !== this.due) return this.presentTick + 1;
    for (let level = 0; level < levels; level++) {
      const bits = this.occupied[level] as number;
      if (bits === 0) continue;
      const ticksOfSlot = 2 ** (level * bitsOfLevel);
      const levelStart = Math.floor(this.presentTick / (ticksOfSlot * slotsOfLevel)) * ticksOfSlot * slotsOfLevel;
      return levelStart + firstBit(bits) * ticksOfSlot;
    }
    let tick = Infinity;
    for (let alarm = this.far.next as Alarm; alarm !== this.far; alarm = alarm.next as Alarm) {
      tick = Math.min(tick, Math.floor(alarm.tick / era) * era);
    }
    return tick;
  }

  /** Lets time pass up to and including `tick`; what is due rings, in order, and may add and remove alarms meanwhile. */
  advance(tick: number): void {
    for (let next = this.nextTick; next <= tick; next = this.nextTick) {
      const list = this.takeSlotAt(next);
      this.moveTo(next);
      moveAll(list, this.due);
      for (let alarm = this.due.next as Alarm; alarm !== this.due; alarm = this.due.next as Alarm) {
        this.remove(alarm);
        if (alarm.tick <= next) alarm.ring();
        else this.add(alarm, alarm.tick);
      }
    }
    // With nothing waiting, bits may be left over from alarms that were taken back.
    if (this.size === 0) this.occupied.fill(0);
    if (tick > this.presentTick) this.moveTo(tick);
  }

  private place(alarm: Alarm): void {
    if (alarm.tick >= this.nextEra) return append(this.far, alarm);
    // Bitwise operators take a number modulo 2^32, and within an era the bits above 30 are equal.
    const level = ((31 - Math.clz32(alarm.tick ^ this.presentTick)) / bitsOfLevel) | 0;
    const slot = (alarm.tick >>> (level * bitsOfLevel)) & (slotsOfLevel - 1);
    this.occupied[level] = (this.occupied[level] as number) | (1 << slot);
    append(this.slots[level * slotsOfLevel + slot] as AlarmLink, alarm);
  }

  private takeSlotAt(tick: number): AlarmLink {
    const level = this.occupied.findIndex((bits) => bits !== 0);
    if (level < 0) return this.far;
    const slot = Math.floor(tick / 2 ** (level * bitsOfLevel)) % slotsOfLevel;
    this.occupied[level] = (this.occupied[level] as number) & ~(1 << slot);
    return this.slots[level * slotsOfLevel + slot] as AlarmLink;
  }

  private moveTo(tick: number): void {
    this.presentTick = tick;
    this.nextEra = (Math.floor(tick / era) + 1) * era;
  }
}

function emptyList(): AlarmLink {
  const list: AlarmLink = { next: undefined, previous: undefined };
  list.next = list.previous = list;
  return list;
}

function append(list: AlarmLink, link: AlarmLink): void {
  const last = list.previous as AlarmLink;
  last.next = link;
  link.previous = last;
  link.next = list;
  list.previous = link;
}

/** Moves the links of one list to the end of another. */
function moveAll(from: AlarmLink, to: AlarmLink): void {
  if (from.next === from) return;
  const [first, last, end] = [from.next as AlarmLink, from.previous as AlarmLink, to.previous as AlarmLink];
  end.next = first;
  first.previous = end;
  last.next = to;
  to.previous = last;
  from.next = from.previous = from;
}

function firstBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
