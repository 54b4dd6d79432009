/**
 * Somebody who is called through guards. The fault model: it is well; it fails at once; it answers late, or never; it cannot
 * be reached. How it is changes at random times, and whoever calls it cannot know.
 */
import type { SeededRandom } from '../../ports/random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

const moods = ['well', 'failing', 'slow', 'hanging', 'unreachable'] as const;

export class GuardedCallee {
  mood: (typeof moods)[number] = 'well';
  private readonly random: SeededRandom;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** Comes to be otherwise. */
  change(): void {
    this.mood = moods[Math.floor(this.random() * moods.length)] ?? 'well';
  }

  /** Serves a call of a process; one that hangs is not even ended by its caller's leaving. */
  serve(process: SimulatedProcess): Promise<string> {
    const { mood } = this;
    const answer = Promise.withResolvers<string>();
    const later = (ms: number, settle: () => void): void => void process.after(ms, 'served', settle);
    const fail = (error: object): void => answer.reject(Object.assign(new Error(mood), error));
    if (mood === 'well') later(1 + this.random() * 50, () => answer.resolve('done'));
    if (mood === 'slow') later(300 + this.random() * 2000, () => answer.resolve('done'));
    if (mood === 'failing') later(1, () => fail({ status: 503 }));
    if (mood === 'unreachable') later(1, () => fail({ code: 'ECONNREFUSED' }));
    return answer.promise;
  }
}
